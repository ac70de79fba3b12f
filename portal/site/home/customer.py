"""Home of whoever sends: figures, what needs them, campaigns, destinations, money."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import Membership, Organisation
from accounts.rules.permissions import Permission
from billing.ledger.queries import days_left, wallet_of
from billing.packages.queries import usable_allowances_of
from kit.formatting import format_money
from messaging.campaigns.listing import ListedCampaign, ListedCampaigns
from messaging.campaigns.models import Campaign
from messaging.campaigns.progress import CampaignProgress, pace_of, with_progress
from messaging.campaigns.views.support import TONES
from messaging.recipients.countries import country_name
from messaging.traffic.queries import Tally, tallies_by_country

from ..context import line_of
from ..navigation import address
from .attention import attention
from .figures import chart, chart_summary, figures_of, kpis
from .periods import Period

RECENT = 5
LASTS_LONG = 365  # days
DESTINATIONS = 6
LIVE_SECONDS, IDLE_SECONDS = 2, 15
AT_WORK = (Campaign.Status.SENDING, Campaign.Status.PAUSED)


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


def customer_home(organisation: Organisation, membership: Membership, period: Period) -> dict[str, Any]:
    """Everything on the page; the number of queries does not depend on how much there is."""
    campaigns = recent_campaigns(organisation) if membership.may(Permission.VIEW_MESSAGES) else []
    money = money_of(organisation, period.now) if membership.may(Permission.VIEW_BILLING) else {}
    places = destinations(organisation, period)
    return {
        **overview(organisation, period),
        **live_panel(campaigns),
        "items": attention(
            organisation,
            membership,
            balance=money["purse"].available if money else 0,
            days_left=money.get("days_left"),
            allowances=money.get("allowances", []),
            campaigns=[line.campaign for line in campaigns],
        ),
        "campaigns": campaigns,
        "campaigns_url": address("messaging:campaigns"),
        "destinations": places[:DESTINATIONS],
        "sent_in_all": sum(place.tally.accepted for place in places),
        **money,
    }


def overview(organisation: Organisation, period: Period) -> dict[str, Any]:
    """The figures and the bars: what the page asks for again every quarter of a minute."""
    figures = figures_of(organisation, period)
    return {
        "kpis": kpis(figures),
        "chart": chart(figures),
        "chart_summary": chart_summary(figures),
    }


def recent_campaigns(organisation: Organisation) -> list[CampaignLine]:
    """The last few, newest first."""
    newest = ListedCampaigns(organisation)[:RECENT]
    return [CampaignLine(progress) for progress in with_progress(organisation, newest)]


def live_panel(lines: list[CampaignLine]) -> dict[str, Any]:
    """The campaign to watch, the newest at work, and how often to look again."""
    live = next((line for line in lines if line.campaign.status in AT_WORK), None)
    if live is None or not live.is_moving:
        return {"live": live, "live_url": address("site:live_campaign"), "poll_seconds": IDLE_SECONDS}
    pace = pace_of(live.progress)
    return {
        "live": live,
        "live_url": address("site:live_campaign"),
        "poll_seconds": LIVE_SECONDS,
        "pace": pace,
        "done_at": pace.done_at(live.progress.not_sent),
    }


@dataclass(frozen=True, slots=True)
class Destination:
    country: str
    tally: Tally

    @property
    def name(self) -> str:
        return country_name(self.country)


def destinations(organisation: Organisation, period: Period) -> list[Destination]:
    found = tallies_by_country(organisation, period.first, period.end)
    return [Destination(country, tally) for country, tally in found.items()]


def money_of(organisation: Organisation, now: datetime) -> dict[str, Any]:
    wallet = wallet_of(organisation)
    return {
        "purse": wallet,
        "wallet": line_of(wallet),  # one moment, one figure: while a campaign runs the next look would differ
        "held_text": format_money(wallet.held, wallet.currency),
        "top_up_url": address("billing:top_up"),
        "packages_url": address("billing:packages"),
        "days_left": days_left(organisation, wallet, now=now),
        "lasts_long": LASTS_LONG,
        "allowances": list(usable_allowances_of(organisation)[:4]),
    }
