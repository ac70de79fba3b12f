"""How a worker's process begins: Celery closes connections by their number, so nobody may be at work by then."""

import pytest

from tests.chaos.house import wait_until
from tests.never_wrong.beside import beside

CLOSES, HAS_BEGUN = "celery closes what was inherited, beside ", "the process has begun beside "


@pytest.mark.django_db(transaction=True)
def test_nothing_of_ours_runs_in_a_process_before_celery_has_closed_what_it_inherited():
    with beside("-m", "tests.never_wrong.worker_that_tells_its_start") as worker:
        wait_until(lambda: HAS_BEGUN in worker.words, seconds=45, what="a process began")

        assert f"{CLOSES}['MainThread']" in worker.words
        assert f"{HAS_BEGUN}['MainThread', 'channel-keeper', 'watchdog']" in worker.words
