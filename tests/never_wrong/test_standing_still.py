"""A worker process with ripe work that claims none gives up loudly and is replaced."""

from dataclasses import replace

import pytest

from kit.sql import run
from messaging.channels.runtime import close_all, open_channel
from messaging.engine.models import Message
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from portal import watchdog
from portal.celery import app
from portal.queues import CLAIMING, DISPATCH, ENGINE
from portal.watchdog import History, Quiet, Watchdog
from tests.chaos.house import wait_until
from tests.never_wrong.beside import beside

GIVING_UP = "nothing is claimed though there is work"
DRAIN = "messaging.engine.tasks.drain_channel"


# --- how long it has been quiet


class Process:
    """A process as its watchdog sees it."""

    def __init__(self, *, works=False, has_work=True):
        self.works, self.has_work, self.done = works, has_work, 0

    def signs(self):
        self.done += self.works
        return self.done

    def quiet_after(self, looks, *, passed=1.0):
        quiet = Quiet(signs=self.signs, is_there_work=lambda: self.has_work)
        return max(quiet.look(passed=passed) for _ in range(looks + 1))


def test_who_gets_nothing_done_though_there_is_work_is_found_out_after_15_seconds():
    assert Process().quiet_after(15) == watchdog.PATIENCE_SECONDS


def test_who_works_is_left_alone():
    assert Process(works=True).quiet_after(100) == 0


def test_who_has_no_work_it_could_do_is_left_alone():
    assert Process(has_work=False).quiet_after(100) <= watchdog.CALM_SECONDS + watchdog.LOOK_SECONDS


def test_a_process_that_was_frozen_does_not_take_its_sleep_for_idleness():
    assert Process().quiet_after(1, passed=75) <= 2 * watchdog.LOOK_SECONDS


def test_work_that_comes_late_is_waited_for_from_then_on():
    process = Process(has_work=False)
    quiet = Quiet(signs=process.signs, is_there_work=lambda: process.has_work)
    for _ in range(60):
        quiet.look(passed=1)

    process.has_work = True

    assert quiet.look(passed=1) < watchdog.PATIENCE_SECONDS / 2


# --- what counts as work


@pytest.fixture
def watch():
    return Watchdog(app, queues=frozenset({ENGINE}), history=History())


@pytest.mark.parametrize("task", sorted(CLAIMING))
def test_tasks_that_claim_are_watched_and_exist(task):
    app.loader.import_default_modules()

    assert task in app.tasks


def test_a_task_that_may_take_long_is_left_to_its_time_limit(watch, monkeypatch):
    monkeypatch.setattr(watch, "do_rings_wait", lambda: True)
    watch.begin("agents.tasks.accrue_missed_commission")

    assert not watch.is_there_work()


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["do_rings_wait", "is_database_there"])
def test_nobody_gives_up_while_the_broker_or_the_database_is_away(watch, monkeypatch, missing):
    monkeypatch.setattr(watch, "do_rings_wait", lambda: True)
    assert watch.is_there_work()

    monkeypatch.setattr(watch, missing, lambda: False)

    assert not watch.is_there_work()


def test_a_broker_that_is_away_holds_no_rings(watch, monkeypatch):
    with app.connection_for_write() as broker, broker.SimpleQueue(next(iter(watch._queues))) as waiting:
        waiting.put({"a": "ring"})
        assert watch.do_rings_wait()

        monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "redis://127.0.0.1:1/0")
        assert not watch.do_rings_wait()
        waiting.clear()


def test_a_worker_that_was_asked_to_stop_is_not_ended_for_giving_no_tasks(watch, monkeypatch):
    monkeypatch.setattr(watch, "do_rings_wait", lambda: True)
    monkeypatch.setattr(watch, "is_database_there", lambda: True)
    watch._history.note_closing()

    assert not watch.is_there_work()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("_case", "line", "is_ripe"),
    [
        ("bound and free", {}, True),
        ("down", {"bind": "down"}, False),
        ("waiting for the carrier", {"in_flight": 3}, False),
        ("held back by its rate", {"waiting": 3}, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_waits_for_a_line_that_cannot_take_it_is_no_reason(_case, line, is_ripe, monkeypatch):
    world = make_world()
    world.accept()
    run("UPDATE engine_queueentry SET due_at = now() - interval '1 minute'")
    opened = open_channel(world.channel.pk)
    state = replace(opened.line.state(), **line)
    monkeypatch.setattr(opened.line, "state", lambda: state)
    watch = Watchdog(app, queues=frozenset({DISPATCH}), history=History())
    watch.begin(DRAIN)

    assert watch.is_there_work() is is_ripe
    close_all()


# --- no storm of restarts


def test_patience_doubles_each_time_and_is_back_after_a_while():
    history, now = History(), 1000.0
    patience = []
    for _ in range(6):
        patience.append(history.patience(now=now))
        history.note_giving_up(now=now)
        now += 60

    assert patience == [15, 30, 60, 120, 240, 240]
    assert history.patience(now=now + watchdog.STORM_SECONDS) == 15


# --- a real worker that is really stuck


def statuses():
    return set(Message.objects.values_list("status", flat=True))


def stuck_worker(world, folder, *options):
    mark = folder / "mark"
    mark.touch()
    return beside("-m", "tests.never_wrong.worker_that_stands_still", str(mark), str(world.channel.pk), *options)


@pytest.fixture
def crowd(nobody_answers):
    """More messages than one batch takes, so that some stay ripe while the first ones are stuck."""
    world = make_world(funds="100.00")
    world.accept(300)
    return world


@pytest.mark.django_db(transaction=True)
def test_a_drain_that_is_stuck_is_ended_and_another_process_sends_the_rest(crowd, tmp_path):
    with stuck_worker(crowd, tmp_path) as worker:
        wait_until(lambda: Status.QUEUED not in statuses(), seconds=45, what="the rest was sent")

        assert GIVING_UP in worker.words
        assert "send_or_stick" in worker.words, "it tells where it stood"
        assert f"exitcode {watchdog.GAVE_UP}" in worker.words
        assert worker.words.count(GIVING_UP) == 1
        assert worker.is_alive


@pytest.mark.django_db(transaction=True)
def test_sabotage_without_its_watchdog_a_stuck_drain_stays_stuck(crowd, tmp_path):
    with stuck_worker(crowd, tmp_path, "--unwatched") as worker:
        wait_until(lambda: not (tmp_path / "mark").exists(), seconds=45, what="the first batch is stuck")
        with pytest.raises(AssertionError):
            wait_until(lambda: Status.QUEUED not in statuses(), seconds=8, what="the rest was sent")

        assert GIVING_UP not in worker.words
