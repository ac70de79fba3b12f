"""Station 2: claim ripe rows, commit the attempt, hand over, write down what came of it."""

from .drain import drain
from .leases import give_up_expired_leases, ring_for_ripe

__all__ = ["drain", "give_up_expired_leases", "ring_for_ripe"]
