"""The concierge's screen: a client of the local API without any truth of its own."""
