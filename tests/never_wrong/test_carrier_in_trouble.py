"""T5: carriers in every kind of trouble, at the door: what waits is led around them, and nothing is sent twice, called sent
without proof, or handed over beyond the window.  What reached a carrier is judged by the carriers' own lists.

Patience is shortened; that it is short enough as it is, is shown beside `messaging.channels.vitals`.
"""

import itertools
import threading
import time
from contextlib import contextmanager

import pytest

from billing.ledger.books import EVERYTHING, problems
from kit.sql import rows, run
from messaging.channels import breakers, runtime, vitals
from messaging.channels.models import Breaker
from messaging.channels.types.smpp import outbox, pdu
from messaging.engine.dispatch import reroute_waiting, rerouting
from messaging.engine.models import Message, QueueEntry
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from tests.never_wrong.town import LONGEST_SECONDS, WINDOW, at_work, nothing_waits, swept_until, town
from tests.never_wrong.witnesses import (
    WELL_FOR,
    answering_twice,
    failing_after_a_while,
    hanging_up_within_an_answer,
    holding,
    late,
    silent,
    swapping,
    throttling,
    well,
)

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGES, LATER, BAD_LIST = 60, 20, 200
#: Without a breaker a code is gone long before.
WAITS_SECONDS = 1


@pytest.fixture(autouse=True)
def short_patience(monkeypatch, nobody_answers):
    monkeypatch.setattr(vitals, "DOWN_SECONDS", 0.1)
    monkeypatch.setattr(vitals, "SILENT_SECONDS", 0.15)
    monkeypatch.setattr(vitals, "FAILING_SECONDS", 0.05)
    monkeypatch.setattr(vitals, "ENOUGH_REFUSALS", 5)
    monkeypatch.setattr(runtime, "KEEP_SECONDS", 0.05)
    monkeypatch.setattr(runtime, "LOOK_SECONDS", 0.02)
    yield
    runtime.close_all()
    rerouting._not_before.clear()


# the world


def accept_more(town, *, prefix, count):
    """Who they are for."""
    numbers = [f"+44770{prefix}{place:05d}" for place in range(count)]
    town.world.accept_drafts([town.world.draft(number) for number in numbers])
    return set(numbers)


def send_through(town, mood):
    """Messages for a carrier that is well, then some while it is in its mood, until none waits."""
    accept_more(town, prefix=8, count=WELL_FOR)
    with at_work(town):
        swept_until(nothing_waits)
        mood(town)
        town.world.accept(MESSAGES)
        swept_until(nothing_waits)


def send_until_avoided(town):
    """One after the other, because what was refused in a single moment is not yet trouble; how many it took."""
    more = 0

    def is_avoided():
        nonlocal more
        if Breaker.objects.filter(channel_id=town.first_id).exists():
            return True
        town.world.accept_drafts([town.world.draft(f"+447706{more:05d}")])
        more += 1
        return False

    with at_work(town):
        swept_until(is_avoided)
        swept_until(nothing_waits)
    return more


def send_more(town):
    """Those accepted afterwards."""
    numbers = accept_more(town, prefix=7, count=LATER)
    with at_work(town):
        swept_until(nothing_waits)
    return numbers


def of_submits(mood):
    def begin(town):
        town.first.mood = mood

    return begin


def refusing_every_bind(town):
    town.carrier.refuse_all()
    town.carrier.hang_up()


TROUBLES = {
    "no answer": of_submits(silent),
    "answers too late": of_submits(late),
    "hanging up within an answer": of_submits(hanging_up_within_an_answer),
    "a storm of too-fast": of_submits(throttling),
    "nothing but errors after none": of_submits(failing_after_a_while),
    "every bind refused": refusing_every_bind,
}


# led around


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_waits_for_a_carrier_in_trouble_is_led_around_it(trouble):
    with town() as there:
        send_through(there, TROUBLES[trouble])
        more = send_until_avoided(there)
        handed_over = len(there.first.seen)

        later = send_more(there)

        assert later <= there.second.taken
        assert len(there.first.seen) == handed_over
        assert len(there.first.seen_numbers | there.second.taken) == WELL_FOR + MESSAGES + more + LATER
        assert there.twice() == []
        assert there.invented() == set()
        assert there.first.most_in_hand <= WINDOW
        assert there.miscounted() == set()
        assert problems(EVERYTHING) == []


@pytest.mark.parametrize("mood", [swapping, answering_twice])
def test_a_carrier_that_is_only_odd_is_used_as_ever(mood):
    with town() as there:
        send_through(there, of_submits(mood))

        assert not Breaker.objects.exists()
        assert len(there.first.taken) == MESSAGES + WELL_FOR
        assert there.second.seen == there.twice() == []
        assert there.first.most_in_hand <= WINDOW


def test_sabotage_without_its_breaker_messages_wait_for_a_carrier_that_takes_none(monkeypatch):
    monkeypatch.setattr(breakers, "open_breaker", lambda *arguments, **facts: False)

    with town() as there:
        there.first.mood = throttling
        there.world.accept(MESSAGES)
        with at_work(there):
            swept_until(lambda: len(there.first.seen) > 20)

        assert there.second.seen == []


# only what nobody has in hand


def with_answers_held(there, *, led_around):
    """Hand over a window's worth to a carrier that answers only when so many messages were led around it."""
    there.first.mood = holding
    there.world.accept(MESSAGES)
    with at_work(there):
        swept_until(lambda: len(there.second.taken) >= led_around)
        there.first.mood = well
        for session, sequence, _number in there.first.held:
            session._loop.call_soon_threadsafe(there.first.answer, session, sequence)
        swept_until(nothing_waits)


def test_what_is_in_hand_is_left_where_it_is():
    with town(patience=LONGEST_SECONDS) as there:
        with_answers_held(there, led_around=MESSAGES - 4 * WINDOW)

        held = {number for _session, _sequence, number in there.first.held}
        assert held
        assert held.isdisjoint(there.second.taken)
        assert there.twice() == []


def test_sabotage_if_what_is_in_hand_were_led_around_too_it_would_be_sent_twice(monkeypatch):
    claimed_too = """
        SELECT id AS message_id, (SELECT channel FROM route LIMIT 1) AS channel FROM engine_message
        WHERE channel_id = %(channel)s AND status = 20 LIMIT %(limit)s FOR UPDATE"""
    queued_anew = """led AS (
        INSERT INTO engine_queueentry (message_id, organisation_id, channel_id, campaign_id, lane, due_at)
        SELECT id, organisation_id, channel_id, campaign_id, 2, now() FROM moved
        ON CONFLICT (message_id) DO UPDATE SET channel_id = excluded.channel_id
    ),
    counted AS"""
    before, _led, after = rerouting._MOVE.partition("led AS (")
    move = before.replace(rerouting._PICK, claimed_too) + queued_anew + after.partition("counted AS")[2]
    monkeypatch.setattr(rerouting, "_MOVE", move)

    with town(patience=LONGEST_SECONDS) as there:
        with_answers_held(there, led_around=MESSAGES)

        assert there.twice() != []


# waiting, and coming back


def test_what_no_other_route_serves_waits_and_leaves_when_the_carrier_is_well_again(monkeypatch):
    monkeypatch.setattr(breakers, "REST_SECONDS", 0.1)
    monkeypatch.setattr(breakers, "LONGEST_REST_SECONDS", 0.2)
    with town(serves=("", "US")) as there:
        there.first.mood = throttling
        there.world.accept(MESSAGES)
        with at_work(there):
            swept_until(Breaker.objects.exists)
            before = len(there.first.seen)
            swept_until(lambda: len(there.first.seen) >= before + 3)
            assert there.first.taken == set()

            there.first.mood = well
            swept_until(nothing_waits)

        assert len(there.first.taken) == MESSAGES
        assert there.second.seen == there.twice() == []
        assert not Breaker.objects.exists()
        assert set(Message.objects.values_list("channel_id", flat=True)) == {there.first_id}


def test_new_messages_come_back_to_the_preferred_carrier_when_a_trial_is_taken(monkeypatch):
    monkeypatch.setattr(breakers, "REST_SECONDS", 0.1)
    with town() as there:
        send_through(there, of_submits(throttling))
        there.first.mood, known, place = well, len(there.first.taken), itertools.count()
        with at_work(there):

            def comes_back():
                there.world.accept_drafts([there.world.draft(f"+4477007{next(place):05d}")])
                return not Breaker.objects.exists() and len(there.first.taken) > known

            swept_until(comes_back)
            swept_until(nothing_waits)

        assert there.twice() == []
        assert problems(EVERYTHING) == []


# what is moved, and what with it


def test_price_quote_and_campaigns_stay_and_the_traffic_goes_with_the_messages():
    with town() as there:
        accepted = there.world.accept(5)
        before = list(Message.objects.order_by("id").values_list("id", "price", "quote_id"))
        breakers.open_breaker(there.first_id, "no answer", worker="w1", is_bound=True)

        assert reroute_waiting() == len(accepted.messages) == 5

        assert list(Message.objects.order_by("id").values_list("id", "price", "quote_id")) == before
        assert set(QueueEntry.objects.values_list("channel_id", flat=True)) == {there.second_id}
        sums = rows("SELECT channel_id, sum(messages), sum(segments), sum(amount) FROM engine_trafficcount"
                    " WHERE status = 20 GROUP BY 1 HAVING sum(messages) <> 0 OR sum(amount) <> 0")  # fmt: skip
        assert sums == [(there.second_id, 5, 5, sum(price for _, price, _ in before))]
        assert reroute_waiting() == 0


@pytest.mark.parametrize(
    ("_case", "stays"),
    [
        ("held for its campaign", f"UPDATE engine_queueentry SET due_at = '{rerouting.NEVER}'"),
        ("a test of that channel", "UPDATE engine_message SET is_test = true"),
        ("served by nobody else", "UPDATE engine_message SET country = 'CN'"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value and "UPDATE" not in value else "",
)
def test_what_stays_though_its_carrier_is_in_trouble(_case, stays):
    with town(serves=("", "GB")) as there:
        there.world.accept()
        run(stays)
        breakers.open_breaker(there.first_id, "no answer", worker="w1", is_bound=True)

        assert reroute_waiting() == 0
        assert QueueEntry.objects.get().channel_id == there.first_id


def test_many_are_led_around_batch_after_batch(monkeypatch):
    monkeypatch.setattr(rerouting, "BATCH", 10)
    with town() as there:
        there.world.accept(45)
        breakers.open_breaker(there.first_id, "no answer", worker="w1", is_bound=True)

        assert reroute_waiting() == 45


# one organisation's bad list


def refusing_a_list(witness, session, sequence, message):
    """Whoever is in it has no such number."""
    return witness.answer(
        session, sequence, pdu.INVALID_DESTINATION if message.destination.startswith("4477009") else pdu.OK
    )


def send_a_code(other):
    """Another organisation's; which number it is for."""
    number = f"+44770{8_000_000 + Message.objects.filter(organisation=other.customer).count()}"
    other.accept_drafts([other.draft(number)])
    return number


@pytest.fixture
def only_refusals_count(monkeypatch):
    """A busy machine's pauses are not."""
    monkeypatch.setattr(vitals, "DOWN_SECONDS", LONGEST_SECONDS)
    monkeypatch.setattr(vitals, "SILENT_SECONDS", LONGEST_SECONDS)


@contextmanager
def bad_list_at_work():
    """A list that is refused for good, more of it than is ever in hand, on the only way there is."""
    with town(serves=("", "US")) as there:
        there.first.mood = refusing_a_list
        there.world.accept(BAD_LIST)
        with at_work(there):
            yield there, make_world(category="verification")


def test_a_bad_list_is_refused_and_another_ones_codes_leave_at_once(only_refusals_count):
    with bad_list_at_work() as (there, other):
        swept_until(lambda: len(there.first.seen) > BAD_LIST / 4)
        beside, since = send_a_code(other), time.monotonic()
        swept_until(lambda: beside in there.first.taken)
        assert time.monotonic() - since < breakers.REST_SECONDS
        swept_until(nothing_waits)
        behind, since = send_a_code(other), time.monotonic()
        swept_until(lambda: behind in there.first.taken)
        assert time.monotonic() - since < breakers.REST_SECONDS
        swept_until(nothing_waits)

    assert not Breaker.objects.exists()
    assert Message.objects.filter(status=Status.REFUSED).count() == BAD_LIST
    assert there.twice() == []


def test_sabotage_if_refusals_of_a_list_spoke_of_the_carrier_codes_would_wait_behind_it(
    monkeypatch, only_refusals_count
):
    monkeypatch.setattr(outbox, "OF_THE_CARRIER", outbox.OF_THE_CARRIER | {pdu.INVALID_DESTINATION})

    with bad_list_at_work() as (there, other):
        swept_until(lambda: runtime.open_channel(there.first_id).is_avoided)
        swept_until(lambda: not rows("SELECT 1 FROM engine_claim"))
        code = send_a_code(other)
        threading.Event().wait(WAITS_SECONDS)

        assert code not in there.first.seen_numbers
