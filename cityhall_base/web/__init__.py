"""HTTP as every listener of ours serves it: one server with limits, one way to read a body, one shape of an error."""
