"""Home of whoever sends: figures, what needs them, campaigns, destinations, money."""

from datetime import datetime
from typing import Any

from accounts.models import Membership, Organisation
from accounts.rules.permissions import Permission
from billing.ledger.queries import days_left, wallet_of
from kit.formatting import format_money
from messaging.campaigns.listing import ListedCampaigns
from messaging.campaigns.models import Campaign
from messaging.campaigns.progress import pace_of, with_progress
from messaging.traffic.queries import tallies_by_country

from ..context import line_of
from ..navigation import address
from .allowances import usable_allowances
from .attention import attention
from .figures import chart, chart_summary, figures_of, kpis
from .lines import CampaignLine, Destination, campaign_rows, destination_rows
from .periods import Period

RECENT = 5
LASTS_LONG = 365  # days
DESTINATIONS = 6
LIVE_SECONDS, IDLE_SECONDS = 2, 15
AT_WORK = (Campaign.Status.SENDING, Campaign.Status.PAUSED)


def customer_home(organisation: Organisation, membership: Membership, period: Period) -> dict[str, Any]:
    """Everything on the page; the number of queries does not depend on how much there is."""
    campaigns = recent_campaigns(organisation) if membership.may(Permission.VIEW_MESSAGES) else []
    money = money_of(organisation, period.now) if membership.may(Permission.VIEW_BILLING) else {}
    places = destinations(organisation, period)
    sent_in_all = sum(place.tally.accepted for place in places)
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
        "campaign_rows": campaign_rows(campaigns, currency=organisation.currency),
        "campaigns_url": address("messaging:campaigns"),
        "destinations": places,
        "destination_rows": destination_rows(places[:DESTINATIONS], sent_in_all=sent_in_all),
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
        "allowances": usable_allowances(organisation),
    }
