"""What is left of an organisation's packages, a line each."""

from datetime import datetime
from typing import NamedTuple

from accounts.models import Organisation
from kit.sql import records

MOST = 4


class UsableAllowance(NamedTuple):
    """What is left of a package; a gift has no `package_name`."""

    package_name: str | None
    segments: int
    taken: int
    expires_at: datetime

    @property
    def left(self) -> int:
        return self.segments - self.taken


def usable_allowances(organisation: Organisation, now: datetime) -> list[UsableAllowance]:
    """The first few that can be sent with now, in the order they will be used."""
    return records(UsableAllowance, _USABLE, [organisation.pk, now, MOST])


#: As billing.packages.queries.usable_allowances_of, of which home says but a line each.
_USABLE = """
    SELECT package.name, allowance.segments, allowance.taken, allowance.expires_at FROM packages_allowance allowance
    LEFT JOIN packages_purchase purchase ON purchase.id = allowance.purchase_id
    LEFT JOIN packages_package package ON package.id = purchase.package_id
    WHERE allowance.organisation_id = %s AND allowance.withdrawn_at IS NULL AND allowance.expires_at > %s
        AND allowance.taken < allowance.segments
    ORDER BY allowance.expires_at, allowance.id LIMIT %s
"""
