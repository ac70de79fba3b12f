"""The lines of home's tables, written by hand: a template for five campaigns takes as long as the shell around the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from kit.formatting import delivery_rate, delivery_tone, format_count, format_money, moment, took
from kit.templatetags.meters import bar
from messaging.campaigns.listing import ListedCampaign
from messaging.campaigns.models import Campaign
from messaging.campaigns.progress import CampaignProgress
from messaging.campaigns.tables import badge
from messaging.campaigns.views.support import TONES
from messaging.recipients.countries import country_name
from messaging.traffic.queries import Tally

from ..navigation import address


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """A campaign with how far its messages are, as the page shows it."""

    progress: CampaignProgress

    @property
    def campaign(self) -> ListedCampaign:
        return self.progress.campaign

    @property
    def url(self) -> str:
        return address("messaging:campaign", self.campaign.pk)

    @property
    def when(self) -> datetime:
        return self.campaign.started_at or self.campaign.starts_at or self.campaign.created_at

    @property
    def status_tone(self) -> str:
        return TONES[self.campaign.status]

    @property
    def recipients(self) -> int | None:
        return self.campaign.recipients or None

    @property
    def is_moving(self) -> bool:
        return self.campaign.status == Campaign.Status.SENDING

    @property
    def cost(self) -> int | None:
        """What it has cost so far; unknown before it began."""
        return self.progress.spent if self.campaign.accepted else None


@dataclass(frozen=True, slots=True)
class Destination:
    country: str
    tally: Tally

    @property
    def name(self) -> str:
        return country_name(self.country)


def campaign_rows(lines: Iterable[CampaignLine], *, currency: str) -> SafeString:
    """A row a campaign; it leads to the campaign's page."""
    labels = {name: escape(label) for name, label in _campaign_labels().items()}
    return mark_safe("".join(_campaign_row(line, currency, labels) for line in lines))  # noqa: S308  escaped below


def _campaign_labels() -> dict[str, str]:
    return {"recipients": _("Recipients"), "delivered": _("Delivered"), "cost": _("Cost")}


def _campaign_row(line: CampaignLine, currency: str, labels: dict[str, str]) -> str:
    campaign, progress, url, name = line.campaign, line.progress, escape(line.url), escape(line.campaign.name)
    said = f'<a class="prime" href="{url}">{name}</a>' if url else f'<b class="b">{name}</b>'
    category = f"{escape(campaign.category_label)} · " if campaign.category else ""
    opening = f'<tr role="row" data-href="{url}">' if url else '<tr role="row">'
    return (
        f'{opening}\n  <td role="cell">{said}<div class="t3 xs">{category}{escape(moment(line.when))}</div></td>'
        f'\n  <td role="cell" class="beside">{badge(campaign)}\n</td>'
        f"\n  {_number(labels['recipients'], format_count(line.recipients))}"
        f"\n  {_number(labels['delivered'], delivery_rate(progress.delivered, progress.failed))}"
        f"\n  {_number(labels['cost'], escape(format_money(line.cost, currency)))}\n</tr>"
    )


def destination_rows(places: Iterable[Destination], *, sent_in_all: int) -> SafeString:
    """A row a country, with its share of all."""
    labels = {name: escape(label) for name, label in _destination_labels().items()}
    return mark_safe("".join(_destination_row(place, sent_in_all, labels) for place in places))  # noqa: S308  escaped below


def _destination_labels() -> dict[str, str]:
    return {"sent": _("Sent"), "delivered": _("Delivered"), "time": _("Mean time")}


def _destination_row(place: Destination, sent_in_all: int, labels: dict[str, str]) -> str:
    tally = place.tally
    rate, tone = delivery_rate(tally.delivered, tally.failed), delivery_tone(tally.delivered, tally.failed)
    said = f'<span class="st {tone}">{rate}</span>' if tone in ("warn", "bad") else rate
    return (
        f'<tr role="row">\n  <td role="cell" class="b">{escape(place.name)}</td>'
        f"\n  {_number(labels['sent'], format_count(tally.accepted))}"
        f'\n  <td role="cell" class="hide-m">{bar(total=sent_in_all, value=tally.accepted)}</td>'
        f"\n  {_number(labels['delivered'], said)}"
        f"\n  {_number(labels['time'], escape(took(tally.mean_latency_ms)))}\n</tr>"
    )


def _number(label: str, said: str) -> str:
    return f'<td role="cell" class="n" data-l="{label}">{said}</td>'
