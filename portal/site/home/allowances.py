"""What is left of an organisation's packages, a line each."""

from datetime import datetime
from typing import NamedTuple

from accounts.models import Organisation
from billing.packages.queries import usable_allowances_of

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


def usable_allowances(organisation: Organisation) -> list[UsableAllowance]:
    """The first few that can be sent with now, in the order they will be used.  Without their models: it says but a line."""
    columns = ("purchase__package__name", "segments", "taken", "expires_at")
    return [UsableAllowance._make(one) for one in usable_allowances_of(organisation).values_list(*columns)[:MOST]]
