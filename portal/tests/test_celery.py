"""How Celery's workers are set up."""

import gc

from celery import signals


def test_what_a_worker_has_loaded_is_left_alone_by_the_collector_in_its_processes():
    loaded = ["as long as the process lives"]

    signals.worker_before_create_process.send(sender=None)
    left_behind = ["by a task"]
    try:
        looked_through = gc.get_objects()
    finally:
        gc.unfreeze()

    assert not any(one is loaded for one in looked_through)
    assert any(one is left_behind for one in looked_through)
