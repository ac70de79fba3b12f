"""Taking segments from what was bought in packages, and giving them back.

Whoever also moves money in the same transaction comes here first: allowances are locked before ledger accounts.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.audit import record
from accounts.models import Organisation
from kit.ids import uuid7s
from kit.sql import planned_once

from .errors import AllowanceReferenceTaken
from .models import Allowance

#: An index of the caller's, country, category, segments.
Wanted = tuple[Hashable, str, str, int]


class Lot(NamedTuple):
    """What an allowance can still pay for; an empty country or category means any."""

    id: UUID
    country: str
    category: str
    left: int
    expires_at: datetime


def take(*, organisation: Organisation, wanted: Sequence[Wanted], reference: str) -> dict[Hashable, UUID]:
    """Pay for as many of `wanted` as the allowances reach, the nearest expiry first; which allowance paid for which.

    What is missing from the answer is for the wallet to pay.  One of `wanted` is paid by one allowance as a whole.
    `reference` names the caller's batch; used a second time it raises AllowanceReferenceTaken.  Runs in the caller's
    transaction.
    """
    lots = _lock_usable(organisation)
    if not lots:
        return {}
    paid_by, taken = _share_out(lots, wanted)
    if taken:
        with transaction.atomic():
            _take(organisation, taken, reference)
    return paid_by


def give_back(*, allowance_id: UUID, segments: int, reference: str) -> bool:
    """Return segments of messages that did not arrive, once; whether this call did it.

    Who gives back to several allowances in one transaction goes in the order of their ids.
    """
    if segments <= 0:
        raise ValueError("only something can be given back")
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, {"allowance": allowance_id, "segments": segments, "reference": reference,
                                    "id": next(uuid7s(1))})  # fmt: skip
        return cursor.rowcount == 1


_LOCK_USABLE = """
SELECT id, country, category, segments - taken, expires_at FROM packages_allowance
WHERE organisation_id = %(organisation)s AND withdrawn_at IS NULL AND expires_at > now() AND taken < segments
ORDER BY id FOR NO KEY UPDATE
"""


def _lock_usable(organisation: Organisation) -> list[Lot]:
    """What can be used now, locked in primary-key order, the nearest expiry first."""
    lots = [Lot(*row) for row in planned_once(_LOCK_USABLE, {"organisation": organisation.pk}, size=1)]
    return sorted(lots, key=lambda lot: (lot.expires_at, lot.id))


def _share_out(lots: Iterable[Lot], wanted: Sequence[Wanted]) -> tuple[dict[Hashable, UUID], Counter[UUID]]:
    left = {lot.id: lot.left for lot in lots}
    paid_by: dict[Hashable, UUID] = {}
    for index, country, category, segments in wanted:
        for lot in lots:
            fits = lot.country in ("", country) and lot.category in ("", category)
            if fits and left[lot.id] >= segments:
                left[lot.id] -= segments
                paid_by[index] = lot.id
                break
    sizes = {index: segments for index, _country, _category, segments in wanted}
    taken: Counter[UUID] = Counter()
    for index, lot_id in paid_by.items():
        taken[lot_id] += sizes[index]
    return paid_by, taken


# The lot is changed only as far as its use is written down, and the other way round.
_TAKE = """
WITH asked AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(allowances)s::uuid[], %(segments)s::int[]) AS a (id, allowance_id, segments)
), changed AS (
    UPDATE packages_allowance lot SET taken = lot.taken + asked.segments FROM asked
    WHERE lot.id = asked.allowance_id AND lot.taken + asked.segments <= lot.segments
    RETURNING lot.id
)
INSERT INTO packages_allowanceuse (id, organisation_id, allowance_id, segments, reference, created_at)
SELECT asked.id, %(organisation)s, asked.allowance_id, asked.segments, %(reference)s || ':' || asked.allowance_id, now()
FROM asked JOIN changed ON changed.id = asked.allowance_id
ON CONFLICT (reference) DO NOTHING
"""


def _take(organisation: Organisation, taken: Counter[UUID], reference: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {
                "ids": list(uuid7s(len(taken))),
                "allowances": list(taken),
                "segments": list(taken.values()),
                "organisation": organisation.pk,
                "reference": reference,
            },
        )
        if cursor.rowcount != len(taken):
            raise AllowanceReferenceTaken


_GIVE_BACK = """
WITH used AS (
    INSERT INTO packages_allowanceuse (id, organisation_id, allowance_id, segments, reference, created_at)
    SELECT %(id)s, organisation_id, id, -%(segments)s, %(reference)s, now() FROM packages_allowance
    WHERE id = %(allowance)s
    ON CONFLICT (reference) DO NOTHING
    RETURNING allowance_id
)
UPDATE packages_allowance lot SET taken = taken - %(segments)s FROM used WHERE lot.id = used.allowance_id
"""


def note_lapsed(*, limit: int = 500) -> int:
    """Write into the audit trail which allowances expired with segments left, once each; how many were new."""
    with transaction.atomic():
        lapsed = list(
            Allowance.objects.filter(expires_at__lte=timezone.now(), lapsed_at=None, withdrawn_at=None)
            .filter(taken__lt=F("segments"))
            .select_for_update(no_key=True, skip_locked=True, of=("self",))
            .select_related("organisation")
            .order_by("pk")[:limit]
        )
        for lot in lapsed:
            record(action="allowance.lapsed", target=lot, organisation=lot.organisation, after={"segments": lot.left})
        Allowance.objects.filter(pk__in=[lot.pk for lot in lapsed]).update(lapsed_at=timezone.now())
        return len(lapsed)
