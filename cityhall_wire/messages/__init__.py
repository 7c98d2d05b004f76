"""Signed messages: the envelope, who may say what, and the chain in which both sides record it.

`link` holds what a bus says with its link key, `printing` what its spooler says with its print key, `relay` what city hall answers.
"""
