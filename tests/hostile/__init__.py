"""`./run hostile`: mutated messages against the real processes, which must all be there afterwards, and no larger."""
