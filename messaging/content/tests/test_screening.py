import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.content.rules.screening import Hit, Screen, SensitiveWord

WORDS = [
    SensitiveWord("赌博", "gambling"),
    SensitiveWord("發票", "fraud"),
    SensitiveWord("加 微信", "contact", "warn"),
    SensitiveWord("casino", "gambling"),
    SensitiveWord("free money", "fraud", "warn"),
    SensitiveWord("ass", "abuse"),
    SensitiveWord("año", "test"),
    SensitiveWord("加vx", "contact"),
    SensitiveWord("водка", "alcohol"),
    SensitiveWord("★★★", "spam", "warn"),
]
SCREEN = Screen(WORDS)


@pytest.mark.parametrize(
    "_case, text, hidden",
    [
        ("as it is", "去赌博吧", "赌博"),
        ("traditional", "去賭博吧", "賭博"),
        ("a traditional word, simplified text", "开发票", "发票"),
        ("spaces", "赌 博", "赌 博"),
        ("marks", "赌**博", "赌**博"),
        ("a line break", "赌\n博", "赌\n博"),
        ("full-width space", "赌　博", "赌　博"),
        ("zero width", "赌\u200b博", "赌\u200b博"),
        ("much zero width", "赌" + "\u200b" * 50 + "博", "赌" + "\u200b" * 50 + "博"),
        ("soft hyphen and joiner", "赌\u00ad\u200d博", "赌\u00ad\u200d博"),
        ("a combining mark", "赌\u0336博\u0336", "赌\u0336博\u0336"),
        ("compatibility ideograph", "\u2f9b微信 賭博", "賭博"),
        ("a word listed with a space", "请加微信", "加微信"),
        ("Latin", "Casino night", "Casino"),
        ("upper case", "CASINO", "CASINO"),
        ("full width", "ＣＡＳＩＮＯ", "ＣＡＳＩＮＯ"),
        ("Cyrillic look-alikes", "саsіnо", "саsіnо"),
        ("Greek look-alikes", "cαsιnο", "cαsιnο"),
        ("mathematical letters", "𝐜𝐚𝐬𝐢𝐧𝐨", "𝐜𝐚𝐬𝐢𝐧𝐨"),
        ("circled letters", "ⓒⓐⓢⓘⓝⓞ", "ⓒⓐⓢⓘⓝⓞ"),
        ("zero width in Latin", "ca\u200bs\u2060ino", "ca\u200bs\u2060ino"),
        (
            "Zalgo",
            "c\u0300\u0301a\u0302\u0336s\u0330i\u0308\u0308no\u0489",
            "c\u0300\u0301a\u0302\u0336s\u0330i\u0308\u0308no\u0489",
        ),
        ("spread out", "c.a.s.i.n.o", "c.a.s.i.n.o"),
        ("spread out by spaces", "our c a s i n o !", "c a s i n o"),
        ("beside Chinese", "来casino玩", "casino"),
        ("two spaces", "free  money", "free  money"),
        ("another separator", "FREE-money", "FREE-money"),
        ("half Chinese", "加VX聊", "加VX"),
        ("Cyrillic itself", "Водка!", "Водка"),
        ("a letter with its accent", "feliz an\u0303o", "an\u0303o"),
        ("nothing but marks", "now ★★★", "★★★"),
        ("emoji around", "😀赌博😀", "赌博"),
    ],
)
def test_a_word_is_found_where_it_hides(_case, text, hidden):
    [hit] = SCREEN.hits(text)

    assert text[hit.start : hit.end] == hidden


@pytest.mark.parametrize(
    "_case, text",
    [
        ("nothing", ""),
        ("other words", "您的验证码是1234"),
        ("inside a longer word", "class, passage, asset"),
        ("a plural is another word", "casinos"),
        ("the end of one word and the start of the next", "mocha sinology"),
        ("parted in one place only", "ca sino"),
        ("two of its words joined otherwise", "fr eemoney"),
        ("too far apart", "赌，。！？博"),
        ("another word between", "赌了博"),
        ("without its accent", "ano"),
        ("half Chinese, word goes on", "加vxyz"),
        ("separators only", "-- ** .."),
    ],
)
def test_what_only_looks_similar_is_left_alone(_case, text):
    assert SCREEN.hits(text) == []


def test_a_hit_names_the_listed_word_and_where_it_is():
    assert SCREEN.hits("去 賭-博 with free money") == [
        Hit("赌博", "gambling", "block", 2, 5),
        Hit("free money", "fraud", "warn", 11, 21),
    ]


def test_overlapping_words_are_all_found():
    screen = Screen([SensitiveWord(word, "x") for word in ("赌博", "博彩", "赌博彩票", "彩票")])

    assert [hit.word for hit in screen.hits("赌博彩票")] == ["赌博", "赌博彩票", "博彩", "彩票"]


def test_entries_that_fold_to_the_same_word_are_all_reported():
    screen = Screen([SensitiveWord("Casino", "a"), SensitiveWord("CASINO", "b", "warn")])

    assert {(hit.word, hit.category, hit.severity) for hit in screen.hits("casino")} == {
        ("Casino", "a", "block"),
        ("CASINO", "b", "warn"),
    }


def test_leetspeak_is_read_when_asked_for():
    words = [SensitiveWord("casino", "x")]

    assert [hit.end for hit in Screen(words, leetspeak=True).hits("c4$1n0 now")] == [6]
    assert Screen(words).hits("c4$1n0 now") == []


@pytest.mark.parametrize("words", [[], [SensitiveWord("", "x")], [SensitiveWord(" \u200b", "x")]])
def test_a_list_of_nothing_finds_nothing(words):
    assert Screen(words).hits("anything 赌博") == []


@settings(deadline=None)
@given(st.text(max_size=300))
def test_offsets_lie_in_the_original_text(text):
    for hit in Screen([SensitiveWord(char, "x") for char in "aß赌İﬁ한"]).hits(text + "aß赌İﬁ한"):
        assert 0 <= hit.start < hit.end <= len(text) + 6


@settings(deadline=None)
@given(st.text(max_size=50), st.text(max_size=50))
def test_a_chinese_word_is_found_in_any_surroundings(before, after):
    text = f"{before}\n赌博\n{after}"

    assert any(text[hit.start : hit.end] == "赌博" for hit in SCREEN.hits(text))


@pytest.mark.parametrize(
    "_case, text",
    [
        ("half characters", "\ud800赌博\udfff" * 100),
        ("NUL", "\0" * 2_000),
        ("one character with 2,000 marks", "a" + "\u0300" * 2_000),
        ("separators", ". " * 1_000),
        ("the word again and again", "赌 博 " * 500),
        ("spread out", "c.a.s.i.n.o." * 170),
        ("ligatures that grow", "\ufdfa" * 2_000),
        ("emoji", "👨‍👩‍👧" * 400),
    ],
)
def test_hostile_texts_are_screened_quickly(_case, text):
    SCREEN.hits("warm")
    began = time.process_time()

    SCREEN.hits(text)

    assert time.process_time() - began < 0.5


TRICKY = st.text(
    st.one_of(
        st.sampled_from("CASINOcasino加微信贷款 .-_*·０ａａ́①ﬁ\u200b\u0301\u3099"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=300)
@given(text=TRICKY, leetspeak=st.booleans())
def test_the_quick_look_is_never_of_another_mind(text, leetspeak):
    words = [
        SensitiveWord("casino", "gambling"),
        SensitiveWord("加微信", "contact"),
        SensitiveWord("free money", "fraud"),
    ]
    screen = Screen(words, leetspeak=leetspeak)
    quick = screen.hits(text)

    screen._is_clean = lambda text: False

    assert quick == screen.hits(text)
