"""Carrier types: one contract (`base.py`), one folder per protocol."""
