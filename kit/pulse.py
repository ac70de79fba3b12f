"""Signs of life: what this process has got done, counted, so that a watchdog can tell work from standing still."""

import threading

_committed = _handed_over = 0


def note_commit() -> None:
    """A transaction ended well.  Only those of the main thread count: it does the tasks, the others look after things."""
    global _committed
    if threading.current_thread() is threading.main_thread():
        _committed += 1


def note_hand_over() -> None:
    """Claimed messages went to a carrier's line."""
    global _handed_over
    _handed_over += 1


def commits() -> int:
    return _committed


def hand_overs() -> int:
    return _handed_over
