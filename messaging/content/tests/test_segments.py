import pytest
import smsutil
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.content.rules.segments import BASIC, EXTENSION, GSM7, UCS2, count_segments, with_sender


@pytest.mark.parametrize(
    "_case, text, encoding, units, segments, per_segment",
    [
        ("nothing is still a message", "", GSM7, 0, 1, 160),
        ("one letter", "a", GSM7, 1, 1, 160),
        ("a full segment", "a" * 160, GSM7, 160, 1, 160),
        ("one more", "a" * 161, GSM7, 161, 2, 153),
        ("two full", "a" * 306, GSM7, 306, 2, 153),
        ("two full and one", "a" * 307, GSM7, 307, 3, 153),
        ("the longest body", "a" * 2_000, GSM7, 2_000, 14, 153),
        ("the euro takes two", "€", GSM7, 2, 1, 160),
        ("euro in the last two", "a" * 158 + "€", GSM7, 160, 1, 160),
        ("euro over the edge", "a" * 159 + "€", GSM7, 161, 2, 153),
        ("eighty euros", "€" * 80, GSM7, 160, 1, 160),
        ("eighty-one", "€" * 81, GSM7, 162, 2, 153),
        ("pairs waste the odd unit of each segment", "€" * 153, GSM7, 306, 3, 153),
        ("a pair that would be cut moves on", "a" * 152 + "€" + "a" * 152, GSM7, 306, 3, 153),
        ("the same without a cut", "a" * 151 + "€" + "a" * 153, GSM7, 306, 2, 153),
        ("a pair at the very end", "a" * 152 + "€" + "a" * 150 + "€", GSM7, 306, 3, 153),
        ("carriage return and line feed", "a\r\nb", GSM7, 4, 1, 160),
        ("form feed is in the extension", "\f", GSM7, 2, 1, 160),
        ("Greek capitals", "ΔΦΓΛΩΠΨΣΘΞ", GSM7, 10, 1, 160),
        ("accents of the alphabet", "Äàéñß¿¡", GSM7, 7, 1, 160),
        ("a backtick is outside", "`", UCS2, 1, 1, 70),
        ("a tab is outside", "\t", UCS2, 1, 1, 70),
        ("so is an escape", "\x1b", UCS2, 1, 1, 70),
        ("a lower case c with cedilla", "ç", UCS2, 1, 1, 70),
        ("Chinese, one segment", "汉" * 70, UCS2, 70, 1, 70),
        ("Chinese, one more", "汉" * 71, UCS2, 71, 2, 67),
        ("Chinese, two full", "汉" * 134, UCS2, 134, 2, 67),
        ("Chinese, two full and one", "汉" * 135, UCS2, 135, 3, 67),
        ("one such character makes it all Unicode", "a" * 70 + "ç", UCS2, 71, 2, 67),
        ("an emoji takes two", "😀", UCS2, 2, 1, 70),
        ("thirty-five emoji", "😀" * 35, UCS2, 70, 1, 70),
        ("thirty-six", "😀" * 36, UCS2, 72, 2, 67),
        ("emoji waste the odd unit of each segment", "😀" * 67, UCS2, 134, 3, 67),
        ("an emoji that would be cut moves on", "汉" * 66 + "😀" + "汉" * 66, UCS2, 134, 3, 67),
        ("a family is seven units", "👨‍👩‍👧", UCS2, 8, 1, 70),
        ("a combining accent counts", "e\u0301", UCS2, 2, 1, 70),
        ("half a character counts as one", "\ud83d", UCS2, 1, 1, 70),
        ("NUL", "\0", UCS2, 1, 1, 70),
    ],
)
def test_the_size_of_a_text(_case, text, encoding, units, segments, per_segment):
    size = count_segments(text)

    assert (size.encoding, size.units, size.segments, size.per_segment) == (encoding, units, segments, per_segment)


def test_the_characters_that_force_unicode_are_named_with_their_places():
    assert count_segments("Café ç ‘x’ 😀").forcing == ((5, "ç"), (7, "‘"), (9, "’"), (11, "😀"))
    assert count_segments("Café").forcing == ()


def test_no_more_than_twenty_of_them_are_named():
    assert [index for index, _ in count_segments("汉" * 500).forcing] == list(range(20))


def test_the_alphabet_has_its_127_characters_and_ten_more():
    assert len(set(BASIC)) == len(BASIC) == 127
    assert len(set(EXTENSION)) == len(EXTENSION) == 10
    assert not set(BASIC) & set(EXTENSION)


ALPHABET = st.sampled_from(BASIC.replace("\x1b", "") + EXTENSION)
near_edges = st.one_of(
    st.text(ALPHABET, max_size=500),
    st.text(st.sampled_from("a€"), min_size=140, max_size=330),
    st.text(st.sampled_from("汉😀"), min_size=60, max_size=210),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
)


@settings(deadline=None)
@given(near_edges)
def test_segments_agree_with_an_independent_counter(text):
    parts = smsutil.split(text).parts

    assert count_segments(text).segments == max(1, len(parts))


@settings(deadline=None)
@given(near_edges, near_edges)
def test_a_longer_text_never_has_fewer_segments(text, more):
    assert count_segments(text + more).segments >= count_segments(text).segments


@pytest.mark.parametrize(
    "_case, sender, text, options, shown",
    [
        ("a signature", "Kestrel", "Hello", {}, "【Kestrel】Hello"),
        ("Chinese", "红隼", "您好", {}, "【红隼】您好"),
        ("brackets given", "【红隼】", "您好", {}, "【红隼】您好"),
        ("there already", "红隼", "【红隼】您好", {}, "【红隼】您好"),
        ("another one is there", "红隼", "【别人】您好", {}, "【红隼】【别人】您好"),
        ("no sender", "", "Hello", {}, "Hello"),
        ("the address itself", "KESTREL", "Hello", {"bracketed": False}, "Hello"),
    ],
)
def test_a_signature_stands_in_front_of_the_text(_case, sender, text, options, shown):
    assert with_sender(sender, text, **options) == shown


def test_the_signature_and_its_brackets_are_counted():
    assert count_segments("a" * 70).segments == 1
    assert count_segments(with_sender("Kestrel", "a" * 70)).segments == 2
