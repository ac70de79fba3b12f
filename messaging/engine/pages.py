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

from kit import sql

from .models import Message

#: So many messages a page looks at: a few, which mostly is enough, or as many as can be read while somebody waits.
LOOKED_AT = (200, 10_000)
EVERY = Q()


@dataclass(frozen=True, slots=True)
class Share:
    """What a campaign's figures know of its messages in some states: how many there are, and with which error codes.

    No codes where these don't tell them from its other messages, or are too many.  All its ids are from `first_id` to
    before `end_id`.
    """

    organisation_id: UUID
    campaign_id: UUID
    messages: int
    codes: frozenset[str] | None
    first_id: UUID
    end_id: UUID

    @property
    def is_led_to(self) -> bool:
        """Whether an index leads to each of them, if there are any: it knows those that have an error code."""
        return not self.messages or self.codes is not None


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

    `messages`, newest first, are what an index leads to; of them, those are shown that are `wanted`.  `share` is for a
    campaign's messages in certain states and nothing else.
    """
    if share is not None and share.is_led_to:
        return _page_by_codes(messages.filter(wanted), share, before=before, after=after, size=size)
    with _following_the_index(messages):
        if after is not None:
            page, beyond = _look(messages.filter(pk__gt=after).reverse(), wanted, size)
            return CursorPage(page[::-1], beyond, page[0].pk if page else after)
        page, beyond = _look(messages.filter(pk__lt=before) if before else messages, wanted, size)
    return CursorPage(page, (page[0].pk if page else before) if before else None, beyond)


def _page_by_codes(
    messages: QuerySet[Message], share: Share, *, before: UUID | None, after: UUID | None, size: int
) -> CursorPage:
    found = _with_codes(share, before=before, after=after, most=size + 1)
    shown, beyond = found[:size], found[size - 1] if len(found) > size else None
    page = list(messages.filter(pk__in=shown).order_by("-id"))
    if after is not None:
        return CursorPage(page, beyond, shown[0] if shown else after)
    return CursorPage(page, (shown[0] if shown else before) if before else None, beyond)


# Each code has its own order in the index, so of each as many are looked at as there could be on the page, in the index
# alone: their rows may be all over the disk.
_WITH_CODES = """
SELECT m.id FROM unnest(%(codes)s::text[]) AS code CROSS JOIN LATERAL (
    SELECT id FROM engine_message
    WHERE organisation_id = %(organisation)s AND campaign_id = %(campaign)s AND error_code = code AND error_code <> ''
        AND id >= %(first)s AND id < %(end)s AND id {beyond} %(cursor)s
    ORDER BY id {order} LIMIT %(most)s
) m ORDER BY m.id {order} LIMIT %(most)s
"""
_OLDER, _NEWER = _WITH_CODES.format(beyond="<", order="DESC"), _WITH_CODES.format(beyond=">", order="ASC")


def _with_codes(share: Share, *, before: UUID | None, after: UUID | None, most: int) -> list[UUID]:
    """The ids next to the cursor, the nearest first, at most so many."""
    if not share.codes:
        return []
    parameters = {
        "organisation": share.organisation_id,
        "campaign": share.campaign_id,
        "codes": sql.text_array(share.codes),
        "first": share.first_id,
        "end": share.end_id,
        "cursor": after or before or share.end_id,
        "most": most,
    }
    return [id for (id,) in sql.rows(_OLDER if after is None else _NEWER, parameters)]


@contextmanager
def _following_the_index(messages: QuerySet[Message]) -> Iterator[None]:
    """Have PostgreSQL follow the campaigns' index in its order and stop when the page is full.

    Behind row-level security it expects to find next to nothing, and would rather gather all of a campaign and sort it.
    """
    if len(messages.query.order_by) == 1:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        yield
        cursor.execute("SET LOCAL enable_bitmapscan = on")


def _look(rows: QuerySet[Message], wanted: Q, size: int) -> tuple[list[Message], UUID | None]:
    """The first rows that are wanted, and the cursor beyond which more may be; None where there is nothing more."""
    if not wanted:
        found = list(rows[: size + 1])
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
