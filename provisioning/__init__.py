"""The technician's tools: city CA, vehicles and their keys, and a complete small city for trying it all."""
