"""Pages of a long list by cursor: ids are times, so a page is a range of ids and costs the same wherever it is.

What no index leads to is looked for row by row, among so many messages a page: a page of a rare state may hold few
messages, or none, and still have an older one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from .models import Message

#: So many messages a page looks at: a few, which mostly is enough, or as many as can be read while somebody waits.
LOOKED_AT = (1_000, 10_000)
EVERY = Q()
#: Of so many, known by the figures, all may be looked at for one page; gathering them at once reads the disk in its own
#: order, so it takes less time than following an index past more than so many.
ALL_LOOKED_AT, WALKED = 50_000, 10_000


@dataclass(frozen=True, slots=True)
class Share:
    """Of `among` messages so many are `wanted`, by the figures."""

    wanted: int
    among: int

    @property
    def is_small(self) -> bool:
        return self.among <= ALL_LOOKED_AT or not self.wanted

    def is_rare(self, size: int) -> bool:
        """Whether a page of them is a long walk."""
        return self.is_small and size * self.among > WALKED * self.wanted


@dataclass(frozen=True, slots=True)
class CursorPage:
    """Messages newest first; `newer` and `older` are the cursors of the pages beside, None at the ends."""

    messages: list[Message]
    newer: UUID | None
    older: UUID | None


def page_of(
    messages: QuerySet[Message],
    *,
    wanted: Q = EVERY,
    share: Share | None = None,
    before: UUID | None = None,
    after: UUID | None = None,
    size: int = 50,
) -> CursorPage:
    """The page older than `before`, or newer than `after`, or the newest one.

    `messages`, newest first, are what an index leads to; of them, those are shown that are `wanted`: `share` of them, when
    the figures tell.
    """
    with _following_the_index(messages, unless=share is not None and share.is_rare(size)):
        if after is not None:
            page, beyond = _look(messages.filter(pk__gt=after).reverse(), wanted, size, share)
            return CursorPage(page[::-1], beyond, page[0].pk if page else after)
        page, beyond = _look(messages.filter(pk__lt=before) if before else messages, wanted, size, share)
    return CursorPage(page, (page[0].pk if page else before) if before else None, beyond)


@contextmanager
def _following_the_index(messages: QuerySet[Message], *, unless: bool) -> Iterator[None]:
    """Have PostgreSQL follow the campaigns' index in its order and stop when the page is full.

    Behind row-level security it expects to find next to nothing, and would rather gather all of a campaign and sort it.
    """
    if unless or len(messages.query.order_by) == 1:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        yield
        cursor.execute("SET LOCAL enable_bitmapscan = on")


def _look(rows: QuerySet[Message], wanted: Q, size: int, share: Share | None) -> tuple[list[Message], UUID | None]:
    """The first rows that are wanted, and the cursor beyond which more may be; None where there is nothing more."""
    if share is not None and not share.wanted:
        return [], None
    if not wanted or (share is not None and share.is_small):
        found = list(rows.filter(wanted)[: size + 1])
        return found[:size], found[size - 1].pk if len(found) > size else None
    for most in LOOKED_AT:
        last = rows.values_list("pk", flat=True)[most - 1 : most].first()
        found = list(_until(rows, last).filter(wanted)[: size + 1])
        if len(found) > size:
            return found[:size], found[size - 1].pk
        if last is None:
            return found, None
    return found, last


def _until(rows: QuerySet[Message], last: UUID | None) -> QuerySet[Message]:
    """The rows up to `last` in their own order, all when it is None."""
    if last is None:
        return rows
    is_newest_first = rows.query.standard_ordering
    return rows.filter(pk__gte=last) if is_newest_first else rows.filter(pk__lte=last)
