"""What the carrier remembers of each message it took: enough to answer, and no more for the millionth than for the first."""

import tracemalloc

import pytest

from messaging.channels.types.smpp import pdu
from portal.stack.carrier.fates import Fates
from portal.stack.carrier.names import Names
from portal.stack.carrier.rules import Rule, Rules, verdict

ARRIVES = verdict("8613800130001", Rules(default=Rule(receipt_delay=0)), 7)


def remembered(count, *, fate=ARRIVES, names=None, most=100, seconds=0):
    fates = Fates(names or Names(), most=most)
    for number in range(1, count + 1):
        fates.remember(number, "Signalbox", fate, seconds=seconds)
    return fates


def ask(fates, name, source="Signalbox"):
    return fates.answer(pdu.Query(name, source))


@pytest.mark.parametrize("is_decimal", [True, False])
def test_a_name_tells_its_number_again_and_nothing_else_does(is_decimal):
    names, others = Names(is_decimal=is_decimal), Names(is_decimal=not is_decimal)

    assert [names.number_of(names.of(number)) for number in (1, 15, 2**40)] == [1, 15, 2**40]
    assert [names.number_of(name) for name in ("", "m1", "1", names.of(0), others.of(7), " " + names.of(7))] == [None] * 6


def test_the_last_so_many_messages_are_remembered():
    names = Names()
    fates = remembered(250, names=names)

    assert [ask(fates, names.of(number)) is not None for number in (1, 150, 151, 250, 251)] == [
        False, False, True, True, False,
    ]  # fmt: skip


def test_a_message_is_on_its_way_until_its_time_has_come_and_known_to_its_source_alone():
    names = Names()
    later, now = remembered(1, names=names, seconds=60), remembered(1, names=names)

    assert ask(later, names.of(1)) == pdu.QueryAnswer(names.of(1), "", 1, 0)
    assert ask(now, names.of(1)).message_state == 2
    assert ask(now, names.of(1), "Another") is None


@pytest.mark.parametrize(("code", "octet"), [("027", 27), ("1027", 255), ("E7", 255)])
def test_an_error_code_that_an_answer_has_no_place_for_is_told_as_other(code, octet):
    names = Names()
    fate = verdict("8613800130001", Rules(default=Rule(undelivered=1, errors={code: 1})), 7)

    answer = ask(remembered(1, fate=fate, names=names), names.of(1))

    assert (answer.message_state, answer.error_code) == (5, octet)


def test_memory_does_not_grow_with_the_messages():
    fates = Fates(Names(), most=20_000)
    tracemalloc.start()
    try:
        for number in range(1, 20_001):
            fates.remember(number, f"+447700{number:06d}", ARRIVES, seconds=60)
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 20_000, "not even a byte a message"
