"""What a worker that was killed had in hand: what provably never left is sent by the next, and the rest never again."""

import fcntl
import os
from unittest import mock
from uuid import uuid4

import pytest
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from billing.ledger.books import problems
from messaging.channels import leaving
from messaging.channels.actions import create_channel
from messaging.channels.types.base import NotSent, Refused, Sent, Unknown
from messaging.channels.types.simulator.channel import SimulatorChannel
from messaging.engine.dispatch import (
    close_journal,
    drain,
    give_back_of_the_dead,
    keep_journal,
    note_answers,
    note_leaving,
    records,
    wire,
)
from messaging.engine.dispatch.claim import claim
from messaging.engine.models import Attempt, CarrierReference, Claim, Message, QueueEntry
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


def answered_to_one_that_dies(world, *answers):
    """Messages of a process that is gone, all of which left; what the carrier answered to each, as it noted."""
    keep_journal()
    world.accept(len(answers))
    claimed = list(world.claim(worker=wire.worker_name()))
    note_leaving(claimed)
    note_answers([answer(id) for id, answer in zip(claimed, answers, strict=True) if answer])
    close_journal()
    return claimed


def test_what_the_carrier_had_answered_is_written_down_as_if_the_worker_lived(world):
    """Seen to leave all four unknown without the answers."""
    taken, refused, busy, lost = answered_to_one_that_dies(
        world,
        lambda id: Sent(id, "c-1"),
        lambda id: Refused(id, "0x0B"),
        lambda id: Refused(id, "0x58", retry=True),
        None,
    )

    assert give_back_of_the_dead() == []

    states = dict(Message.objects.values_list("pk", "status"))
    assert states == {
        taken: Status.SUBMITTED, refused: Status.REFUSED, busy: Status.QUEUED, lost: Status.UNKNOWN
    }  # fmt: skip
    assert [entry.message_id for entry in QueueEntry.objects.all()] == [busy]
    assert not Claim.objects.exists()
    world.report(("c-1", "delivered"))
    assert Message.objects.get(pk=taken).state == Status.DELIVERED
    assert problems() == []


def test_an_answer_to_an_earlier_try_says_nothing_of_the_one_that_left_since(world):
    keep_journal()
    world.accept(1)
    (id,) = world.claim(worker=wire.worker_name())
    note_leaving([id])
    note_answers([Refused(id, "0x58", retry=True)])
    note_leaving([id])
    close_journal()

    assert give_back_of_the_dead() == []

    assert Message.objects.get(pk=id).state == Status.UNKNOWN


def test_an_answer_to_a_try_that_is_over_says_nothing_of_one_that_has_not_left(world, monkeypatch):
    """Seen to write down a second "not now" that no carrier said."""
    keep_journal()
    world.accept(1)

    def be_busy(line, batch):
        line._on_leaving([message.attempt_id for message in batch])
        outcomes = [Refused(message.attempt_id, "0x58", retry=True) for message in batch]
        line._on_answers(outcomes)
        return iter(outcomes)

    monkeypatch.setattr(SimulatorChannel, "send", be_busy)
    assert drain(channel_id=world.channel.pk) == {world.channel.pk: 1}
    QueueEntry.objects.update(due_at="2020-01-01T00:00Z")
    (id,) = world.claim(worker=wire.worker_name())
    close_journal()

    assert give_back_of_the_dead() == [id]

    assert list(Attempt.objects.values_list("number", "outcome")) == [(1, AttemptOutcome.REFUSED)]


def test_each_line_of_a_worker_has_its_own_answers(world):
    with world.operator.scope():
        other = create_channel(organisation=world.operator, name="Other", type="simulator", config={})
    keep_journal()
    world.accept(1)
    (first,) = world.claim(worker=wire.worker_name())
    world.accept(1)
    QueueEntry.objects.update(channel_id=other.pk)
    (second,) = [one.message_id for one in claim(channel_id=other.pk, limit=1, worker=wire.worker_name())]
    note_leaving([first, second])
    note_answers([Sent(first, "c-1"), Sent(second, "o-1", ("o-2",))])
    close_journal()

    give_back_of_the_dead()

    written = {(one.channel_id, one.carrier_reference) for one in Attempt.objects.all()}
    assert written == {(world.channel.pk, "c-1"), (other.pk, "o-1")}
    assert CarrierReference.objects.get(reference="o-2").message_id == second


@pytest.mark.parametrize("garbage", [b"X" + bytes(40), b"O" + bytes(16) + (5).to_bytes(2) + b"[1,2]"])
def test_a_journal_that_can_not_be_read_proves_nothing_and_holds_nobody_up(world, folder, garbage):
    claimed_by_one_that_dies(world)
    (journal,) = folder.iterdir()
    journal.write_bytes(journal.read_bytes() + garbage)

    assert give_back_of_the_dead() == []

    assert set(Message.objects.values_list("status", flat=True)) == {Status.UNKNOWN}
    assert list(folder.iterdir()) == []


def test_claims_that_can_not_be_ended_now_hold_up_nobody_elses(world, folder, monkeypatch):
    claimed_by_one_that_dies(world)
    claimed_by_one_that_dies(world)
    end, failed = wire.end_claims_of, []

    def fail_once(worker, *, read):
        if not failed:
            failed.append(worker)
            raise OperationalError("the database is away")
        return end(worker, read=read)

    monkeypatch.setattr(wire, "end_claims_of", fail_once)

    assert len(give_back_of_the_dead()) == 3
    assert [journal.name for journal in folder.iterdir()] == failed
    assert len(give_back_of_the_dead()) == 3


def test_a_journal_without_room_keeps_what_it_has_and_refuses_the_rest(world, folder, monkeypatch):
    """Seen to take one that left for one that did not, where half a record stayed."""
    keep_journal()
    world.accept(3)
    first, second, third = world.claim(worker=wire.worker_name())
    note_leaving([first])
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(wire.os, "write", lambda file, said: write(file, said[:5]))
        with pytest.raises(OSError, match="no room"):
            note_leaving([second])
    note_leaving([third])
    close_journal()

    assert give_back_of_the_dead() == [second]


def test_nothing_leaves_any_more_behind_half_a_record_that_could_not_be_taken_back(folder, monkeypatch):
    keep_journal()
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(wire.os, "write", lambda file, said: write(file, said[:5]))
        patch.setattr(wire.os, "ftruncate", mock.Mock(side_effect=OSError("input/output error")))
        with pytest.raises(OSError, match="input/output"):
            note_leaving([uuid4()])

    with pytest.raises(OSError, match="middle of a record"):
        note_leaving([uuid4()])


IDS = st.uuids()
NAMES = st.text(max_size=70)
ANSWERS = st.one_of(
    st.builds(Sent, IDS, NAMES, st.lists(NAMES, max_size=3).map(tuple)),
    st.builds(Refused, IDS, NAMES, st.booleans(), st.sampled_from(["message", "carrier", "ourselves"])),
    st.builds(Unknown, IDS, NAMES, st.integers(1, 255), st.lists(NAMES, max_size=3).map(tuple)),
)


@given(steps=st.lists(st.one_of(IDS, IDS.map(lambda id: (id,)), ANSWERS), max_size=12), data=st.data())
def test_records_are_read_as_they_were_written_wherever_the_last_is_cut_off(steps, data):
    left, answers, written, whole = set(), {}, b"", [(set(), {}, 0)]
    for step in steps:
        if isinstance(step, (Sent, Refused, Unknown)):
            answers[step.attempt_id] = step
            written += records.of_answers([step])
        elif isinstance(step, tuple):  # back in the queue: the last one that left, or one that never did
            (id,) = [*left][-1:] or step
            left.discard(id)
            answers.pop(id, None)
            written += records.of_returned([id])
        else:
            left.add(step)
            answers.pop(step, None)
            written += records.of_leaving([step])
        whole.append((set(left), dict(answers), len(written)))
    cut = data.draw(st.integers(0, len(written)))

    expected = [(left, answers) for left, answers, length in whole if length <= cut][-1]
    assert records.read(written[:cut]) == expected


def test_what_never_left_is_no_answer():
    assert records.of_answers([NotSent(uuid4(), "no place in the window"), Refused(uuid4(), "x" * 70_000)]) == b""


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
    monkeypatch.setattr(wire.WireJournal, "note_leaving", lambda self, ids: None)
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
