"""What a piece of text must be before we keep it.  Every refusal names its field."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _

from kit.errors import Invalid

#: Control characters but the line feed: no handset shows them, and U+001B is GSM-7's own escape.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


def refuse(field: str, problem: Any) -> Invalid:
    """The error that says what is wrong with one field."""
    return Invalid(fields={field: problem})


def clean_text(field: str, text: str, *, longest: int) -> str:
    """Text of any number of lines, ends trimmed, line ends as single line feeds.

    Raises Invalid naming the field when it is too long or has characters no message can carry.
    """
    if not isinstance(text, str):
        raise refuse(field, _("Send this as text."))
    if _LONE_SURROGATE.search(text):
        raise refuse(field, _("Half of a character is missing. Type the text again instead of pasting it."))
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if found := _CONTROL.search(text):
        raise refuse(
            field,
            _("Character %(number)d is a control character (U+%(code)04X). Remove it.")
            % {"number": found.start() + 1, "code": ord(found[0])},
        )
    if len(text) > longest:
        raise refuse(field, _("Shorten this to %(longest)d characters.") % {"longest": longest})
    return text


def clean_line(field: str, text: str, *, longest: int) -> str:
    """One line of text, white space inside it made single.  Raises Invalid when it is empty or unusable."""
    line = " ".join(clean_text(field, text, longest=4 * longest).split())
    if not line:
        raise refuse(field, _("Fill this in."))
    return clean_text(field, line, longest=longest)
