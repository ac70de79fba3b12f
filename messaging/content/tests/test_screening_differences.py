import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.content.rules.differences import Change, differences


def marked(old, new):
    """The changes on one line: [-gone-] {+new+}."""
    marks = {"same": "{}", "added": "{{+{}+}}", "removed": "[-{}-]"}
    return "".join(marks[change.kind].format(change.text) for change in differences(old, new))


@pytest.mark.parametrize(
    "_case, old, new, shown",
    [
        ("nothing", "", "", ""),
        ("the same", "Hello there", "Hello there", "Hello there"),
        ("all new", "", "Hello", "{+Hello+}"),
        ("all gone", "Hello", "", "[-Hello-]"),
        ("a word replaced", "Your code is ready", "Your parcel is ready", "Your [-code-]{+parcel+} is ready"),
        ("a word, not its letters", "ready", "reads", "[-ready-]{+reads+}"),
        ("a character of Chinese", "您的验证码为", "您的校验码为", "您的{+校+}验[-证-]码为"),
        ("a variable as a whole", "Hi {name}", "Hi {first_name}", "Hi [-{name}-]{+{first_name}+}"),
        ("a mark", "Hi!", "Hi.", "Hi[-!-]{+.+}"),
        ("a line", "a\nb", "a\nx\nb", "a\n{+x\n+}b"),
        ("a repeated end", "aa bb aa", "aa aa", "aa [-bb -]aa"),
    ],
)
def test_changes_are_shown_by_word_and_by_character(_case, old, new, shown):
    assert marked(old, new) == shown


texts = st.one_of(st.text(max_size=200), st.text(st.sampled_from("ab 的{}\n"), max_size=200))


@settings(deadline=None)
@given(texts, texts)
def test_both_texts_can_be_read_from_the_changes(old, new):
    changes = differences(old, new)

    assert "".join(change.text for change in changes if change.kind != "added") == old
    assert "".join(change.text for change in changes if change.kind != "removed") == new
    assert all(left.kind != right.kind for left, right in zip(changes, changes[1:], strict=False))
    assert Change("same", "") not in changes


@pytest.mark.parametrize("old, new", [("的" * 2_000, "x的" * 1_000), ("a b " * 500, "b a " * 500)])
def test_hostile_texts_are_compared_quickly(old, new):
    began = time.process_time()

    changes = differences(old, new)

    assert time.process_time() - began < 2
    assert "".join(change.text for change in changes if change.kind != "removed") == new


def test_a_long_text_with_many_small_edits_is_still_compared_by_word():
    wording = "your order has been shipped and arrives on monday reply stop to opt out"
    words = random.Random(1).choices(wording.split(), k=330)
    edited = [word if at % 9 else "changed" for at, word in enumerate(words)]

    changes = differences(" ".join(words), " ".join(edited))

    assert sum(len(change.text) for change in changes if change.kind == "same") > 1_000
