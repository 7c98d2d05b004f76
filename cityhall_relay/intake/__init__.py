"""Intake: a clerk's document is looked into once, in a process that can harm nobody, before it is sealed.

turns.py says whose turn it is · check.py starts that process and reads its report · checker.py is the program · sandbox.py locks it
in · examine.py looks, with sizes.py, fonts.py, painted.py, forms.py, contents.py, pictures.py and codecs.py · report.py is the
contract between the two sides. This file stays empty: the program must not load what only its parent needs.
"""
