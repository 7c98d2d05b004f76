"""The agent: link to city hall, journal, local API. It holds the link key, and never a job key, plaintext or the printer."""
