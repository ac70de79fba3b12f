import time

import pytest

from messaging.content.rules.hints import MESSAGES, hints
from messaging.content.rules.variables import BodyError, VariableSpec


def codes(body, category="notice", specs=()):
    return [hint.code for hint in hints(body, category, specs)]


@pytest.mark.parametrize(
    "_case, body",
    [
        ("Chinese", "全场八折，回T退订"),
        ("short Chinese", "全场八折 回TD"),
        ("longer Chinese", "全场八折，回复 T 停止接收"),
        ("traditional", "全場八折，退訂請回N"),
        ("refuse", "全场八折，拒收请回R"),
        ("English beside Chinese", "全场八折，回STOP"),
        ("English", "Sale today. Reply STOP to opt out"),
        ("unsubscribe", "Sale today. Unsubscribe: a.test/u"),
    ],
)
def test_a_promotion_that_says_how_to_opt_out_is_fine(_case, body):
    assert "missing_opt_out" not in codes(body, "promotion")


@pytest.mark.parametrize("body", ["Sale today", "Non-stoppable sale", "全场八折，回馈新客", "Sale {stop}"])
def test_a_promotion_without_an_opt_out_is_hinted_at(body):
    assert "missing_opt_out" in codes(body, "promotion")


def test_other_categories_need_no_opt_out():
    assert codes("Your parcel has come", "notice") == codes("Your code is {code}", "verification") == []


@pytest.mark.parametrize(
    "_case, body, specs, code",
    [
        ("nothing else", "{a}", (), "all_variables"),
        ("marks between", "【{a}】{b}。", (), "all_variables"),
        ("mostly", "Hi {a}", (VariableSpec("a", example="a very long example indeed"),), "mostly_variables"),
    ],
)
def test_a_body_that_variables_decide_is_hinted_at(_case, body, specs, code):
    assert codes(body, specs=specs) == [code]


@pytest.mark.parametrize(
    "_case, body, link",
    [
        ("an address", "See https://kestrel.example/a?b=1 now", "https://kestrel.example/a?b=1"),
        ("without a scheme", "See www.kestrel.com/x.", "www.kestrel.com/x."),
        ("in Chinese", "详情见kestrel.cn/x，谢谢", "kestrel.cn/x"),
        ("a host alone", "点击a.vip领取", "a.vip"),
    ],
)
def test_links_are_found_where_they_are(_case, body, link):
    [hint] = hints(body, "notice")

    assert (hint.code, body[slice(*hint.span)]) == ("link_in_notice", link)
    assert codes(body, "verification") == ["link_in_verification"]
    assert codes(body, "international") == []


@pytest.mark.parametrize(
    "body", ["Version 1.2.3", "at 14.30", "a.b", "Mr.Brown", "ada@kestrel.com", "e.g. this", "U.S.A."]
)
def test_what_is_no_link_is_none(body):
    assert codes(body) == []


def test_a_variable_that_takes_a_link_counts_as_one():
    assert codes("Open {link}", "verification", [VariableSpec("link", "link", "https://a.test")])[-1:] == [
        "link_in_verification"
    ]


@pytest.mark.parametrize(
    "body", ["See bit.ly/x", "See https://t.cn/Ab", "见dwz.cn/1", "HTTPS://WWW.TINYURL.COM/x", "https://a@t.co/x"]
)
def test_short_links_are_hinted_at(body):
    assert "short_link" in codes(body)


@pytest.mark.parametrize("body", ["https://{host}/x", "https://{sub}.kestrel.com", "{shop}.com/x"])
def test_a_variable_that_decides_the_site_is_hinted_at(body):
    assert "variable_in_host" in codes(body)


def test_a_variable_behind_the_host_is_fine():
    assert "variable_in_host" not in codes("https://kestrel.example/{order}")


@pytest.mark.parametrize(
    "body",
    [
        "全网最低价",
        "最好的选择",
        "业内第一",
        "国家级产品",
        "100%有效",
        "稳赚不赔",
        "Guaranteed profit",
        "We are #1",
        "The best deal",
    ],
)
def test_absolute_claims_are_hinted_at_with_their_place(body):
    [hint] = [hint for hint in hints(body, "international") if hint.code == "absolute_claim"]

    assert 0 <= hint.span[0] < hint.span[1] <= len(body)


@pytest.mark.parametrize(
    "body", ["最近一次登录", "最后一天", "第一时间通知您", "第一次登录", "Best regards", "最多三次"]
)
def test_ordinary_words_are_no_claims(body):
    assert codes(body, "international") == []


def test_escaped_braces_are_wording():
    assert codes("{{a}}") == []


def test_a_body_that_is_no_template_is_refused():
    with pytest.raises(BodyError):
        hints("{", "notice")


def test_every_hint_has_its_sentence():
    for body, category in [("{a}", "promotion"), ("https://{h}/ 最好 bit.ly/x", "verification"), ("a.com", "notice")]:
        assert all(MESSAGES[hint.code] for hint in hints(body, category))


@pytest.mark.parametrize(
    "body", ["a." * 1_000, "a" * 2_000, "a-" * 1_000, "最" * 2_000, "100 " * 500, "https://" * 250, "回 " * 1_000]
)
def test_hostile_bodies_are_judged_quickly(body):
    began = time.process_time()

    hints(body, "promotion")

    assert time.process_time() - began < 0.2
