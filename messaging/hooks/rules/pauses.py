"""How long we wait before trying again."""

from datetime import timedelta

#: After the first, second, … try of one event; later ones wait as long as the last of these.
PAUSES = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400)
#: An event is tried for that long.
TRIED_FOR = timedelta(hours=24)
#: An endpoint pauses for 2, 4, 8, … seconds after failures in a row, but never for more than this many.
LONGEST_BREAK = 60


def pause_after(tries: int) -> timedelta:
    """The pause of one event after that many tries."""
    return timedelta(seconds=PAUSES[min(max(tries, 1), len(PAUSES)) - 1])
