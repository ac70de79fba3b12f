"""Home of a reseller: what the accounts below sent, and what that earned."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Organisation
from accounts.queries import downline_of
from agents.models import CommissionEntry
from billing.ledger.models import Account, Transfer
from kit.formatting import delivery_rate, format_count, format_money
from kit.ids import first_id_at
from messaging.traffic.queries import Tally, tallies_by_organisation, total

from ..navigation import address
from .periods import Period

BUSIEST = 6
LOW = 10_000_000  # micros: ten units of any currency


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account below, what it sent this month and what is left in its wallet."""

    organisation: Organisation
    tally: Tally
    balance: int

    @property
    def url(self) -> str:
        return address("agents:account", self.organisation.pk)

    @property
    def is_low(self) -> bool:
        return self.balance < LOW and self.tally.accepted > 0


def agent_home(organisation: Organisation, period: Period) -> dict[str, Any]:
    """The month so far.  The number of queries does not depend on how many accounts there are."""
    month = month_start(period.now)
    with organisation.downline_scope():
        lines = account_lines(organisation, month, period.end)
    margin = margin_since(organisation, month)
    return {
        "kpis": agent_kpis(organisation, lines, margin, commission_since(organisation, month)),
        "lines": sorted(lines, key=lambda line: -line.tally.accepted)[:BUSIEST],
        "items": low_or_stopped(lines),
        "accounts_url": address("agents:accounts"),
        "account_new_url": address("agents:account_new"),
    }


def month_start(now: datetime) -> datetime:
    return timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def account_lines(organisation: Organisation, first: datetime, last: datetime) -> list[AccountLine]:
    tallies = tallies_by_organisation(first, last)
    wallets = Account.objects.filter(kind=Account.Kind.WALLET).values_list("organisation_id", "currency", "balance")
    balances = {(owner, currency): balance for owner, currency, balance in wallets}
    return [
        AccountLine(below, tallies.get(below.pk, Tally()), balances.get((below.pk, below.currency), 0))
        for below in downline_of(organisation).order_by("name")
    ]


def margin_since(organisation: Organisation, instant: datetime) -> int:
    """What settlements have paid it as margin, in its own currency."""
    earned = Transfer.objects.filter(
        target__organisation=organisation, target__kind=Account.Kind.MARGIN, currency=organisation.currency,
        id__gte=first_id_at(instant),
    )  # fmt: skip
    return earned.aggregate(total=Sum("amount"))["total"] or 0


def commission_since(organisation: Organisation, instant: datetime) -> int:
    entries = CommissionEntry.objects.filter(
        organisation=organisation, earned_at__gte=instant, currency=organisation.currency
    )
    return entries.aggregate(total=Sum("amount"))["total"] or 0


def agent_kpis(organisation: Organisation, lines: list[AccountLine], margin: int, commission: int) -> list[dict]:
    tally = total(line.tally for line in lines)
    in_use = sum(line.tally.accepted > 0 for line in lines)
    return [
        {
            "label": _("Margin this month"),
            "value": format_money(margin, organisation.currency),
            "hint": _("paid as messages arrive"),
        },
        {
            "label": _("Commission this month"),
            "value": format_money(commission, organisation.currency),
            "hint": _("settled with your statement"),
        },
        {
            "label": _("Messages below"),
            "value": format_count(tally.accepted),
            "hint": _("%(rate)s delivered") % {"rate": delivery_rate(tally.delivered, tally.failed)},
        },
        {
            "label": _("Accounts"),
            "value": format_count(len(lines)),
            "hint": _("%(count)s sent this month") % {"count": format_count(in_use)},
        },
    ]


def low_or_stopped(lines: list[AccountLine]) -> list[dict[str, Any]]:
    """Accounts that can't send, or soon can't."""
    stopped = [
        {
            "icon": "ban", "tone": "bad", "title": _("%(name)s is suspended") % {"name": line.organisation.name},
            "text": _("Nothing is sent from it until it is resumed."), "action": _("Look"), "url": line.url,
        }
        for line in lines
        if line.organisation.is_stopped
    ]  # fmt: skip
    low = [
        {
            "icon": "wallet", "tone": "warn", "action": _("Give credit"), "url": line.url,
            "title": _("%(name)s is running dry") % {"name": line.organisation.name},
            "text": _("%(money)s left.") % {"money": format_money(line.balance, line.organisation.currency)},
        }
        for line in lines
        if line.is_low and not line.organisation.is_stopped
    ]  # fmt: skip
    return [*stopped, *low]
