"""City hall and a bus on one machine, made of the real parts: for whoever wants to see it, for tests and for measurements."""
