"""The floor that both sides stand on: one logger set-up, one clock, one store opener, one settings loader, one TLS set-up.

The wire may do no I/O and neither side may import the other, so what both do in the same way lives here.
"""
