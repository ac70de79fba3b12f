"""Room on the interpreter's stack for whoever calls deeply, such as a page: middleware around views around templates.

CPython keeps the frames of Python calls in pieces of 16 kB, and gives a piece back as soon as the last frame in it returns.
A loop that happens to stand at a piece's end has the next one mapped, cleared and unmapped with each of its calls: 5 µs
each, up to 1,500 times a page.  Which loop it is depends on nothing but how deep it stands.
"""

from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")

#: Words on one frame: more than half of a piece of 256 kB, so that such a piece is taken, and 120 kB are left of it.
_WORDS = 17_000


def with_room(call: Callable[..., Answer]) -> Callable[..., Answer]:
    """The same call, whose own calls stand on one piece of the stack.  It costs one mapping."""

    def call_with_room(*arguments: Any, **named: Any) -> Answer:
        return call(*arguments, **named)

    call_with_room.__code__ = call_with_room.__code__.replace(co_stacksize=_WORDS)
    return call_with_room
