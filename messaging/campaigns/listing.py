"""Campaigns as lists show them, read by hand: the ORM takes longer to make five objects of each than a list's page takes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

from accounts.models import Organisation
from billing.pricing.models import Category
from kit.sql import records, rows

from .models import Campaign


class ListedCampaign(NamedTuple):
    """A campaign and the names of what it is made of; None where it has no file, or no template yet."""

    pk: UUID
    name: str
    status: str
    category: str
    is_test: bool
    recipients: int
    accepted: int
    skipped: int
    stop_message: str
    created_at: datetime
    starts_at: datetime | None
    started_at: datetime | None
    by_name: str
    by_email: str
    file_name: str | None
    usable_rows: int | None
    template_name: str | None

    @property
    def has_ended(self) -> bool:
        return self.status in (Campaign.Status.SENT, Campaign.Status.CANCELLED)

    @property
    def status_label(self) -> str:
        # Not get_status_display, which gathers every state in the language, each time.
        return str(Campaign.Status(self.status).label)

    @property
    def category_label(self) -> str:
        return str(Category(self.category).label) if self.category else ""

    @property
    def created_by(self) -> str:
        return self.by_name or self.by_email


class ListedCampaigns:
    """An organisation's campaigns, newest first, those in one of the `statuses` where some are named.

    A page reads its own rows.  `count`, `order_by` and `query` are what tables ask of rows they should not read whole.
    """

    query = SimpleNamespace(order_by=("-id",))

    def __init__(
        self, organisation: Organisation, *, statuses: Collection[str] = (), order: Sequence[str] = ("-id",)
    ) -> None:
        self._organisation, self._statuses, self._order = organisation, statuses, order

    def __len__(self) -> int:
        return self.count()

    def count(self) -> int:
        [(found,)] = rows(_COUNT, self._facts)
        return found

    def order_by(self, *names: str) -> "ListedCampaigns":
        """By `name`, `status`, `recipients`, `started_at` or `id`; a minus before one turns it around."""
        return ListedCampaigns(self._organisation, statuses=self._statuses, order=names)

    def __getitem__(self, place: slice) -> list[ListedCampaign]:
        start, stop = place.start or 0, place.stop
        limit = None if stop is None else max(0, stop - start)
        page = f"{_LISTED} ORDER BY {self._ordered} LIMIT %(limit)s OFFSET %(start)s"
        return records(ListedCampaign, page, {**self._facts, "limit": limit, "start": start})

    @property
    def _facts(self) -> dict[str, Any]:
        return {"organisation": self._organisation.pk, "statuses": list(map(str, self._statuses)) or None}

    @property
    def _ordered(self) -> str:
        ways = [f"{_ORDERS[name.removeprefix('-')]}{' DESC' if name.startswith('-') else ''}" for name in self._order]
        return ", ".join([*ways, "campaign.id DESC"])


_ORDERS = {name: f"campaign.{name}" for name in ("id", "name", "status", "recipients", "started_at")}
_MATCHING = """
    campaign.organisation_id = %(organisation)s
    AND (%(statuses)s::text[] IS NULL OR campaign.status = ANY (%(statuses)s))
"""
_COUNT = f"SELECT count(*) FROM campaigns_campaign campaign WHERE {_MATCHING}"  # noqa: S608  our own words
_LISTED = f"""
    SELECT campaign.id, campaign.name, campaign.status, campaign.category, campaign.is_test, campaign.recipients,
        campaign.accepted, campaign.skipped, coalesce(campaign.stop_reason ->> 'message', ''), campaign.created_at,
        campaign.starts_at, campaign.started_at, person.name, person.email, file.name, (file.tally ->> 'valid')::bigint,
        template.name
    FROM campaigns_campaign campaign JOIN accounts_user person ON person.id = campaign.created_by_id
    LEFT JOIN campaigns_recipientfile file ON file.id = campaign.file_id
    LEFT JOIN content_templateversion version ON version.id = campaign.version_id
    LEFT JOIN content_messagetemplate template ON template.id = version.template_id
    WHERE {_MATCHING}
"""  # noqa: S608  our own words
