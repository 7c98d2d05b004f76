"""A whole day of the mobile city hall (08:30 to 15:30) with real processes, on a clock that the test drives: `./run day`."""
