"""`./run crash`: real processes killed, cut off and without power at every point; the paper is the judge (docs/crash.md)."""
