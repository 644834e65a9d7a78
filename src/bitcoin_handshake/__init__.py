"""Shakes hands with Bitcoin nodes and says truthfully what each of them did."""

__version__ = "0.1.0"
