"""A Hypothesis state machine over both sides of the wire: `machine.py` has the rules, `watchman.py` what must hold after each.

**Real** are the relay (`boss.build`: store, vault, sessions, every desk, housekeeping), the agent (store, duty, planner, syncer,
carrier, courier, printing, guard, readiness, commands, the link above its socket) and the spooler (desk, attempt, recovery, watch,
front's reports, every signature), each with databases and folders of its own, wired as its boss wires it. Envelopes cross as the
bytes that were signed, words between agent and spooler as the bytes of `bus_agent.ipc.messages`.

**Models** are what a process cannot have in memory: the line (`line.py`), the printer and its paper (`printer.py`), and the opener
(`opener.py`), which verifies and opens with the real opener's own functions but is an object where that is a process.

The real spooler is driven, and not a small model of it, because what is said about a sheet after a cut is decided there, and its
asyncio stands still between two steps: each process has an event loop of its own (`virtual.py`) whose time moves only when a rule
moves it, and all of them run until nobody has anything left to do. A kill is a loop that never runs again over a database that was
closed in the middle of its transaction; a start opens the same files again.

What this cannot show: what a power cut does to a disk, TLS, real printers, and two things at the same instant within one process.
"""
