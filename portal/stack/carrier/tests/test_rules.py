"""Behaviour is a function of rules, seed and destination."""

import json

import pytest

from portal.stack.carrier.rules import (
    DEMO_RULES,
    Rule,
    Rules,
    RulesInvalid,
    is_throttled,
    load_rules,
    rules_from,
    verdict,
)

NUMBERS = [f"+861380013{number:04d}" for number in range(2_000)]


def test_the_same_seed_gives_the_same_verdicts_and_another_gives_others():
    rules = Rules(default=Rule(undelivered=0.5))

    first, again, other = ([verdict(number, rules, seed).state for number in NUMBERS] for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_shares_are_kept_over_many_destinations():
    rules = Rules(default=Rule(undelivered=0.03, errors={"001": 3, "034": 1}))

    verdicts = [verdict(number, rules, 7) for number in NUMBERS]

    codes = [one.error_code for one in verdicts if one.state != "DELIVRD"]
    assert 40 <= len(codes) <= 80
    assert codes.count("001") > codes.count("034") > 0
    assert {one.state for one in verdicts} == {"DELIVRD", "UNDELIV", "EXPIRED"}


def test_the_longest_prefix_wins():
    rules = Rules(prefixes={"86": Rule(refused=1), "86138": Rule(undelivered=1, errors={"001": 1})})

    assert verdict("+8613900000000", rules, 7).refused_status == 0x0B
    assert verdict("+8613800000000", rules, 7).error_code == "001"
    assert verdict("+447700900123", rules, 7).state == "DELIVRD"


def test_throttling_depends_on_the_try_and_not_only_on_the_destination():
    rules = Rules(default=Rule(throttled=0.5))

    tries = [is_throttled("+8613800000000", reference, rules, 7) for reference in range(200)]

    assert 60 < sum(tries) < 140


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "rules: must be an object"),
        ({"colour": "red"}, "colour: no such rule"),
        ({"default": {"undelivered": 2}}, "default: undelivered: must be a number from 0 to 1"),
        ({"default": {"undelivered": True}}, "default: undelivered: must be a number from 0 to 1"),
        ({"default": {"receipt_delay": float("nan")}}, "default: receipt_delay: must be a number from 0 to 86400"),
        ({"default": {"errors": {}}}, "default: errors: must give each code a whole weight above 0"),
        ({"default": {"errors": [1]}}, "errors: must be an object"),
        ({"prefixes": {"44": {"loud": 1}}}, "loud: no such rule"),
        ({"prefixes": {"44": 3}}, "44: must be an object"),
        ({"silent": "yes"}, "silent: must be true or false"),
        ({"drop_after": -1}, "drop_after: must be a number from 0 to 1000000000"),
    ],
)
def test_rules_that_cannot_be_followed_say_why(values, said):
    with pytest.raises(RulesInvalid) as refused:
        rules_from(values)

    assert str(refused.value) == said


def test_a_prefix_inherits_from_the_default(tmp_path):
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"default": {"receipt_delay": 9}, "prefixes": {"+44": {"undelivered": 1}}}))

    rules = load_rules(path)

    assert rules.prefixes["44"].receipt_delay == 9
    assert rules.prefixes["44"].undelivered == 1


def test_a_rules_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(RulesInvalid, match=r"nowhere\.json"):
        load_rules(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("last", "wanted"),
    [
        (0, {"state": "DELIVRD"}),
        (1, {"state": "UNDELIV", "error_code": "001"}),
        (2, {"receipt_delay": 30}),
        (3, {"duplicate": True}),
        (4, {"out_of_order": True}),
        (5, {"early": True}),
        (7, {"silent": True}),
        (8, {"refused_status": 0x0B}),
        (9, {"no_receipt": True}),
    ],
)
def test_the_demo_numbers_do_what_the_page_says(last, wanted):
    fate = verdict(f"+861700000{last}001", DEMO_RULES, 7)

    assert {name: getattr(fate, name) for name in wanted} == wanted
