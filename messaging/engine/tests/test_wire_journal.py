"""What a worker that was killed had in hand: what provably never left is sent by the next, and the rest never again."""

import fcntl
import os
from uuid import uuid4

import pytest

from billing.ledger.books import problems
from messaging.channels import leaving
from messaging.engine.dispatch import close_journal, give_back_of_the_dead, keep_journal, note_leaving, wire
from messaging.engine.models import Attempt, Claim, Message, QueueEntry
from messaging.engine.states import AttemptOutcome, Status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    yield tmp_path / "wire"
    close_journal()


def claimed_by_one_that_dies(world, *, messages=4, left=1):
    """Some messages under a claim of a process that noted `left` of them as leaving and is gone."""
    keep_journal()
    world.accept(messages)
    claimed = list(world.claim(worker=wire.worker_name()))
    note_leaving(claimed[:left])
    close_journal()
    return claimed[:left], claimed[left:]


def test_what_never_left_is_queued_again_and_the_rest_is_unknown(world):
    left, kept = claimed_by_one_that_dies(world)

    assert set(give_back_of_the_dead()) == set(kept)

    assert set(world.claim()) == set(kept), "and it can leave now, as its first attempt"
    assert [attempt.message_id for attempt in Attempt.objects.filter(outcome=AttemptOutcome.UNKNOWN)] == left
    assert Message.objects.get(pk=left[0]).state == Status.UNKNOWN
    assert problems() == []


def test_it_is_done_once(world, folder):
    claimed_by_one_that_dies(world)

    give_back_of_the_dead()

    assert give_back_of_the_dead() == []
    assert list(folder.iterdir()) == []
    assert QueueEntry.objects.count() == 3


def test_the_claims_of_the_living_are_their_own(world):
    keep_journal()
    world.accept(2)
    world.claim(worker=wire.worker_name())
    (journal,) = wire._folder().iterdir()
    held = os.open(journal, os.O_RDONLY)  # another process that looks finds it locked
    with pytest.raises(BlockingIOError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(held)

    assert give_back_of_the_dead() == []

    assert Claim.objects.count() == 1
    assert QueueEntry.objects.count() == 0


@pytest.mark.parametrize("spoil", ["wire 1 another-boot\n", ""], ids=["of another boot", "empty"])
def test_a_journal_from_before_the_machine_crashed_proves_nothing(world, folder, spoil):
    claimed_by_one_that_dies(world)
    (journal,) = folder.iterdir()
    journal.write_text(spoil)

    assert give_back_of_the_dead() == []

    assert set(Message.objects.values_list("status", flat=True)) == {Status.UNKNOWN}
    assert QueueEntry.objects.count() == 0


def test_sabotage_a_line_that_did_not_say_what_leaves_would_have_it_sent_twice(world, monkeypatch):
    monkeypatch.setattr(wire.WireJournal, "note", lambda self, ids: None)
    left, _kept = claimed_by_one_that_dies(world)

    give_back_of_the_dead()

    assert set(left) <= set(world.claim())


def test_lines_tell_the_journal(world, folder):
    keep_journal()
    world.accept(1)
    (id,) = world.claim(worker=wire.worker_name())

    leaving.announce([id])

    (journal,) = folder.iterdir()
    assert journal.read_bytes().endswith(id.bytes)


def test_a_long_journal_is_kept_while_a_claim_of_a_drain_that_failed_is_open(world, monkeypatch):
    monkeypatch.setattr(wire, "_LONG_BYTES", 10)
    keep_journal()
    world.accept(1)
    (id,) = world.claim(worker=wire.worker_name())
    note_leaving([id])

    wire.forget_what_left()
    close_journal()

    assert give_back_of_the_dead() == [], "it may have left"


def test_a_long_journal_is_emptied_when_nothing_is_in_hand(folder, monkeypatch):
    monkeypatch.setattr(wire, "_LONG_BYTES", 100)
    keep_journal()
    (journal,) = folder.iterdir()
    header = journal.read_bytes()
    note_leaving([uuid4() for _ in range(50)])

    wire.forget_what_left()

    assert journal.read_bytes() == header
