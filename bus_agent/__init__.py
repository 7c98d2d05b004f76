"""The appliance on the bus: it prints what city hall releases, once, and keeps nothing readable."""
