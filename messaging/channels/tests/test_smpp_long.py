"""A long message on the line: several submits, one outcome, nothing sent that would arrive in pieces twice."""

import queue
import threading
from collections import Counter

import pytest

from messaging.channels.tests.lines import make_outgoing, opened, until
from messaging.channels.types.base import NotSent, Refused, Sent, Unknown
from messaging.channels.types.smpp import parts, pdu
from messaging.channels.types.smpp.testing import SECONDS, accepting, refusing, scripted_carrier


def make_long(count=3, **fields):
    return make_outgoing(body="x" * 153 * count, segments=count, **fields)


def by_part(**answers):
    """Answer each part as it says (`p1`, `p2`…), the others with `m1`, `m2`…; after the last answer it repeats."""
    left = {name: list(steps) if isinstance(steps, list) else [steps] for name, steps in answers.items()}

    def answer(session, sequence, message):
        number = parts.place_of(message).number
        steps = left.get(f"p{number}", [accepting(f"m{number}")])
        (steps.pop(0) if len(steps) > 1 else steps[0])(session, sequence, message)

    return answer


def forgetting(session, sequence, message):
    session.leave_unanswered()


def outcome_with(answer, **config):
    with scripted_carrier(answer) as carrier, opened(carrier.port, **config) as channel:
        outgoing = make_long()
        [outcome] = channel.send([outgoing])
        assert outcome.attempt_id == outgoing.attempt_id
        heard = Counter()
        while not carrier.submits.empty():
            heard[parts.place_of(carrier.submits.get()).number] += 1
        return outcome, heard


def test_a_long_message_is_sent_under_the_names_of_all_its_parts():
    outcome, heard = outcome_with(by_part())

    assert (outcome.reference, outcome.further) == ("m1", ("m2", "m3"))
    assert heard == {1: 1, 2: 1, 3: 1}


@pytest.mark.parametrize("status", [pdu.THROTTLED, pdu.QUEUE_FULL])
def test_a_throttled_part_leaves_again_and_the_others_do_not(status):
    outcome, heard = outcome_with(by_part(p2=[refusing(status), accepting("m2")]))

    assert isinstance(outcome, Sent)
    assert outcome.further == ("m2", "m3")
    assert heard == {1: 1, 2: 2, 3: 1}


def test_a_refused_part_refuses_the_message_for_good():
    outcome, _heard = outcome_with(by_part(p2=refusing(pdu.INVALID_DESTINATION)))

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.retry) == ("0x0000000B", False)


def test_after_a_refusal_no_further_part_leaves():
    outcome, heard = outcome_with(by_part(p1=refusing(pdu.INVALID_DESTINATION)), window=1)

    assert isinstance(outcome, Refused)
    assert heard == {1: 1}


def test_a_refusal_that_may_be_tried_again_is_not_once_a_part_is_with_the_carrier():
    with_the_carrier, _ = outcome_with(by_part(p2=refusing(pdu.NOT_BOUND)))
    with_nobody, _ = outcome_with(refusing(pdu.NOT_BOUND))

    assert with_the_carrier.retry is False
    assert with_nobody.retry is True


def test_a_part_without_answer_leaves_the_message_unknown():
    outcome, heard = outcome_with(by_part(p2=forgetting))

    assert isinstance(outcome, Unknown)
    assert (outcome.parts, outcome.references) == (3, ("m1", "m3"))
    assert heard == {1: 1, 2: 1, 3: 1}


def test_a_refusal_outweighs_a_missing_answer():
    outcome, _heard = outcome_with(by_part(p2=forgetting, p3=refusing(pdu.INVALID_DESTINATION)))

    assert isinstance(outcome, Refused)


def test_what_is_throttled_for_too_long_is_given_back():
    all_throttled, _ = outcome_with(refusing(pdu.THROTTLED), queue_seconds=0.2)
    one_throttled, _ = outcome_with(by_part(p2=refusing(pdu.THROTTLED)), queue_seconds=0.2)

    assert (all_throttled.code, all_throttled.retry) == ("0x00000058", True)
    assert (one_throttled.code, one_throttled.retry) == ("0x00000058", False)


def test_a_message_of_which_nothing_left_is_not_sent():
    with (
        scripted_carrier(forgetting) as carrier,
        opened(carrier.port, window=1, response_timeout_seconds=SECONDS, queue_seconds=0.1) as channel,
    ):
        first, second = make_outgoing(), make_long()
        outcomes = channel.send([first, second])
        told = next(outcomes)
        carrier.hang_up()
        list(outcomes)

    assert told.attempt_id == second.attempt_id
    assert isinstance(told, NotSent)


def test_the_rest_of_a_message_follows_by_the_next_bind():
    cut = threading.Event()

    def cut_after_the_first(session, sequence, message):
        accepting(f"m{parts.place_of(message).number}")(session, sequence, message)
        if not cut.is_set():
            cut.set()
            session._loop.call_later(0.05, lambda: session.close("cut by the test", at_once=True))

    with (
        scripted_carrier(cut_after_the_first) as carrier,
        opened(carrier.port, rate_per_second=5, response_timeout_seconds=SECONDS) as channel,
    ):
        [outcome] = channel.send([make_long()])

    assert isinstance(outcome, Sent)
    assert outcome.further == ("m2", "m3")


def test_a_message_whose_line_does_not_come_back_is_refused_as_incomplete():
    def cut_after_the_first(session, sequence, message):
        accepting("m1")(session, sequence, message)
        session._loop.call_later(0.02, lambda: (gone.put(1), session.close("cut by the test", at_once=True)))

    gone = queue.SimpleQueue()
    with (
        scripted_carrier(cut_after_the_first) as carrier,
        opened(carrier.port, rate_per_second=5, queue_seconds=0.2) as channel,
    ):
        outcomes = channel.send([make_long()])
        gone.get(timeout=SECONDS)
        carrier.refuse_all()
        [outcome] = outcomes

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.retry) == ("incomplete", False)


def test_closing_lets_a_message_that_has_begun_leave_whole():
    first = threading.Event()

    def slowly(session, sequence, message):
        first.set()
        session._loop.call_later(0.05, accepting(), session, sequence, message)

    with scripted_carrier(slowly) as carrier:
        with opened(carrier.port, window=1, response_timeout_seconds=SECONDS) as channel:
            outcomes = channel.send([make_long(), make_long()])
            assert first.wait(SECONDS)
        kinds = [type(outcome) for outcome in outcomes]

    assert sorted(kind.__name__ for kind in kinds) == ["NotSent", "Sent"]


def test_a_long_message_is_announced_once():
    announced = []
    with (
        scripted_carrier(by_part(p2=[refusing(pdu.THROTTLED), accepting("m2")])) as carrier,
        opened(carrier.port, window=1, on_leaving=announced.extend) as channel,
    ):
        outgoing = make_long()
        list(channel.send([outgoing]))

    assert announced == [outgoing.attempt_id]


def test_a_long_message_that_could_not_be_announced_stays_whole():
    def unable(attempts):
        raise OSError("the disk is full")

    with (
        scripted_carrier() as carrier,
        opened(carrier.port, window=1, on_leaving=unable) as channel,
    ):
        assert [type(outcome) for outcome in channel.send([make_long(), make_long()])] == [NotSent, NotSent]
        until(lambda: channel.state().waiting == 0)
        assert carrier.submits.empty()
