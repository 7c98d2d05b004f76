"""Whole journeys: the concierge's screen on the one side, a browser on the other, and between them every real part of the house.

Both screens run in the test's own event loop (Textual's Pilot, Chromium through Playwright); relay, agent, spooler, openers,
printer and broker are processes of their own, as in the demo.
"""
