"""Pages of a long list by cursor: ids are times, so a page is a range of ids and costs the same wherever it is."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from .models import Message


@dataclass(frozen=True, slots=True)
class CursorPage:
    """Messages newest first; `newer` and `older` are the cursors of the pages beside, None at the ends."""

    messages: list[Message]
    newer: UUID | None
    older: UUID | None


def page_of(messages: QuerySet[Message], *, before: UUID | None = None, after: UUID | None = None, size: int = 50):
    """The page older than `before`, or newer than `after`, or the newest one."""
    if after is not None:
        return _newer_page(messages, after, size)
    rows = messages.filter(pk__lt=before) if before else messages
    found = list(rows.order_by("-pk")[: size + 1])
    page = found[:size]
    newer = page[0].pk if before and page else None
    return CursorPage(page, newer, page[-1].pk if len(found) > size else None)


def _newer_page(messages: QuerySet[Message], after: UUID, size: int) -> CursorPage:
    found = list(messages.filter(pk__gt=after).order_by("pk")[: size + 1])
    page = found[:size][::-1]
    newer = page[0].pk if len(found) > size else None
    return CursorPage(page, newer, page[-1].pk if page else None)
