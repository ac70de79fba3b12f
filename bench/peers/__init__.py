"""Peers under the same load and the same carrier, in the same sitting."""
