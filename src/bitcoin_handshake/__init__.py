"""Shake hands with Bitcoin nodes and say truthfully what each of them did."""

__version__ = "0.1.0"
