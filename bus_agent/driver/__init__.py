"""The driver: one PDF becomes the printer's own language in a cupsd that lives for it alone, in a room that nothing leaves."""
