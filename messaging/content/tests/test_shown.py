"""What the editor and the reviewer are shown about a text."""

import pytest

from messaging.content.forcing import forcing_in, replaced
from messaging.content.marking import pieces, side_by_side
from messaging.content.rules.variables import VariableSpec
from messaging.content.sizes import sizes_of


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Hello", []),
        ("we’ve", [("’", 3, "we’ve", 1, "'")]),
        ("“Hi” “Bo”", [("“", 1, "“Hi”", 2, '"'), ("”", 4, "“Hi”", 2, '"')]),
        ("{näme} ok", []),
        ("价格 €5", [("价", 1, "价格", 1, None), ("格", 2, "价格", 1, None)]),
        ("Škoda", [("Š", 1, "Škoda", 1, "S")]),
        ("a\u200bb", [("\u200b", 2, "a\u200bb", 1, "")]),
    ],
)
def test_characters_that_force_unicode_are_named_with_place_word_and_substitute(body, expected):
    found = [(one.character, one.position, one.word, one.count, one.instead) for one in forcing_in(body)]

    assert found == expected


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        ("we’ve — “won”…", 'we\'ve - "won"...'),
        ("Škoda für 5 €", "Skoda für 5 €"),
        ("你好 {name}", "你好 {name}"),
        ("", ""),
    ],
)
def test_replacing_writes_what_is_on_the_keyboard_and_leaves_the_rest(body, plain):
    assert replaced(body) == plain


def test_pieces_joined_are_the_text_and_carry_all_marks():
    text = "Hi {name}, win {{cash}} now"

    cut = pieces(text, hits=[(11, 24), (90, 99)], changed=[(0, 14)], change="ins")

    assert "".join(piece.text for piece in cut) == text
    assert [piece.text for piece in cut if piece.is_variable] == ["{name}"]
    assert "".join(piece.text for piece in cut if piece.is_hit) == "win {{cash}} "
    assert "".join(piece.text for piece in cut if piece.change) == "Hi {name}, win"


def test_a_changed_phrase_is_marked_as_one():
    old, new = side_by_side("our winter sale is on", "last chance is on")

    assert [piece.text for piece in old if piece.change == "del"] == ["our winter sale"]
    assert [piece.text for piece in new if piece.change == "ins"] == ["last chance"]


def test_sizes_span_from_the_shortest_to_the_longest_values_signature_included():
    specs = [VariableSpec("name", "text", "Amelia", 40)]

    sizes = sizes_of("x" * 130 + "{name}", specs)
    signed = sizes_of("x" * 60 + "{name}", specs, signature="K")

    assert [one.size.units for one in (sizes.shortest, sizes.typical, sizes.longest)] == [131, 136, 170]
    assert [one.segments for one in (sizes.shortest, sizes.typical, sizes.longest)] == [1, 1, 2]
    assert (signed.shortest.text[:3], signed.typical.segments, signed.longest.segments) == ("【K】", 1, 2)
