"""The engine's doors for machines: sending (the hot path) and reading messages."""
