"""The two listeners: sockets, limits, and HTTP around desks that know none of it."""
