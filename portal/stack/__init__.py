"""The embedded default: one launcher that starts every process of the house on one machine.

Nothing here imports Django: the launcher only starts, watches and stops processes.
"""
