"""A wish outlives the number it came from: past the deadline only a keyed hash of the number is kept."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from kit.sealing import keyed_hash, keyed_hashes
from kit.sql import run

from .models import OptOut

BATCH = 1_000
#: What stands in the place of a number that was erased.
MARK = "~"


def erased_form(organisation_id: UUID, number: str) -> str:
    """What is kept of a number: enough to recognise it when somebody is about to write to it, and no more."""
    return MARK + keyed_hash(f"{organisation_id}:{number}", length=15)


def numbers_by_erased_form(organisation_id: UUID, numbers: Iterable[str]) -> dict[str, str]:
    """The forms these numbers may have been kept in, by any key of this installation, and the number of each."""
    return {
        MARK + hashed: number for number in numbers for hashed in keyed_hashes(f"{organisation_id}:{number}", length=15)
    }


def forget_opted_out_numbers(*, organisation_id: UUID, before: datetime) -> int:
    """Keep of wishes older than `before` no number; how many there were.  Runs under the engine."""
    forgotten = 0
    while batch := list(_with_numbers(organisation_id, before)[:BATCH]):
        run(
            "UPDATE recipients_optout o SET number = u.form FROM unnest(%s::uuid[], %s::text[]) u(id, form) WHERE o.id = u.id",
            [[str(wish.pk) for wish in batch], [erased_form(organisation_id, wish.number) for wish in batch]],
        )
        forgotten += len(batch)
    return forgotten


def _with_numbers(organisation_id: UUID, before: datetime):
    wishes = OptOut.objects.filter(organisation_id=organisation_id, created_at__lt=before)
    return wishes.exclude(number__startswith=MARK).order_by("pk")
