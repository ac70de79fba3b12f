"""Station 2: claim ripe rows, commit the claim, hand over, write down what came of it."""

from .drain import drain
from .leases import give_up_expired_leases, ring_for_ripe
from .rerouting import reroute_waiting
from .wire import close_journal, give_back_of_the_dead, keep_journal, note_answers, note_leaving

__all__ = [
    "close_journal",
    "drain",
    "give_back_of_the_dead",
    "give_up_expired_leases",
    "keep_journal",
    "note_answers",
    "note_leaving",
    "reroute_waiting",
    "ring_for_ripe",
]
