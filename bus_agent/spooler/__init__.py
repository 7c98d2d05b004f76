"""The spooler, which alone reaches the printer and signs with the print key, and its opener, which lives for one print."""
