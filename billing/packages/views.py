"""Billing at a glance, and the catalogue."""

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import TemplateView

from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin
from billing.ledger.periods import this_month
from billing.ledger.queries import Wallet, days_left, latest_movements, spent_since, wallet_of
from billing.ledger.tables import label_of, signed
from kit.formatting import format_count, format_money
from kit.htmx import FragmentMixin
from kit.ids import made_at

from .catalogue import Shelf, shelves_for
from .queries import purchases_of, usable_allowances_of

LOW_DAYS = 3


class OverviewView(OrganisationMixin, TemplateView):
    permission = Permission.VIEW_BILLING
    template_name = "billing/overview.html"

    def get_context_data(self, **kwargs):
        allowances = list(usable_allowances_of(self.organisation))
        purse = wallet_of(self.organisation)
        days = days_left(self.organisation, purse, now=timezone.now())
        return super().get_context_data(
            kpis=self._kpis(allowances, purse, days),
            allowances=allowances,
            days=days,
            is_low=days is not None and days < LOW_DAYS,
            movements=[
                (label_of(transfer), made_at(transfer.id), signed(transfer.change, transfer.currency))
                for transfer in latest_movements(purse)
            ],
            purchases=purchases_of(self.organisation)[:5],
            **kwargs,
        )

    def _kpis(self, allowances, purse: Wallet, days: int | None) -> list[dict]:
        spent = spent_since(self.organisation, this_month().begin)
        segments = sum(allowance.left for allowance in allowances)
        return [
            {
                "label": _("Wallet"),
                "value": format_money(purse.balance, purse.currency),
                "hint": _reach(purse, days),
            },
            {
                "label": _("Set aside"),
                "value": format_money(purse.held, purse.currency),
                "hint": _("for messages on their way"),
            },
            {"label": _("Left in packages"), "value": format_count(segments), "hint": _("message segments")},
            {
                "label": _("Spent this month"),
                "value": format_money(spent, purse.currency),
                "hint": _("delivered messages, from the wallet"),
            },
        ]


def _reach(purse: Wallet, days: int | None) -> str:
    if days is not None:
        return ngettext("lasts about %(days)d day", "lasts about %(days)d days", days) % {"days": days}
    if purse.credit_line:
        return _("and a credit line of %(amount)s") % {"amount": format_money(purse.credit_line, purse.currency)}
    return ""


class PackagesView(OrganisationMixin, FragmentMixin, TemplateView):
    """The catalogue; `?for=` chooses the shelf, `?package=` what the order summary shows."""

    permission = Permission.VIEW_BILLING
    template_name = "billing/packages.html"
    fragment_template_name = "billing/_order.html"

    def get_context_data(self, **kwargs):
        shelves = shelves_for(self.organisation)
        shelf = self._shelf(shelves)
        return super().get_context_data(
            shelf=shelf,
            chosen=self._chosen(shelf),
            choices=[{"label": one.label, "url": f"?for={one.code}", "active": one is shelf} for one in shelves],
            currency=self.organisation.currency,
            **kwargs,
        )

    def _shelf(self, shelves: list[Shelf]) -> Shelf | None:
        wanted = self.request.GET.get("for")
        return next((shelf for shelf in shelves if shelf.code == wanted), shelves[0] if shelves else None)

    def _chosen(self, shelf: Shelf | None):
        if shelf is None:
            return None
        wanted = self.request.GET.get("package")
        return next((offer for offer in shelf.offers if str(offer.package.pk) == wanted), shelf.offers[0])
