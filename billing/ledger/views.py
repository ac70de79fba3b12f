"""The wallet's statement, as a page and as a file."""

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views import View

from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin
from kit.htmx import FragmentMixin
from kit.ids import made_at
from kit.money import units
from kit.spreadsheets import csv_lines
from kit.tables import TableListView

from . import periods
from .queries import statement, wallet_of
from .tables import StatementTable, label_of


class WalletView(OrganisationMixin, FragmentMixin, TableListView):
    permission = Permission.VIEW_BILLING
    table_class = StatementTable
    rows_a_page = 50
    template_name = "billing/wallet.html"
    fragment_template_name = "billing/_statement.html"

    def get_queryset(self):
        self.form = periods.PeriodForm(self.request.GET)
        self.period = self.form.period
        self.purse = wallet_of(self.organisation)
        self.statement = statement(self.organisation, begin=self.period.begin, end=self.period.end, wallet=self.purse)
        return self.statement.movements

    def get_context_data(self, **kwargs):
        return super().get_context_data(
            form=self.form,
            period=self.period,
            statement=self.statement,
            purse=self.purse,
            choices=self._choices(),
            **kwargs,
        )

    def _choices(self) -> list[dict]:
        named = [
            (_("This month"), periods.this_month()),
            (_("Last month"), periods.last_month()),
            (_("Last 90 days"), periods.last_days(90)),
        ]
        return [{"label": label, "url": f"?{period.query}", "active": period == self.period} for label, period in named]


class WalletCsvView(OrganisationMixin, View):
    """The statement of the same period as the page shows, as a file."""

    permission = Permission.VIEW_BILLING

    def get(self, request) -> HttpResponse:
        period = periods.PeriodForm(request.GET).period
        found = statement(self.organisation, begin=period.begin, end=period.end)
        rows = (
            (
                timezone.localtime(made_at(transfer.id)).isoformat(timespec="seconds"),
                label_of(transfer),
                units(transfer.change),
                units(transfer.balance),
                transfer.currency,
                transfer.subject,
                transfer.id,
            )
            for transfer in found.movements
        )
        header = [_("Time"), _("Movement"), _("Amount"), _("Balance"), _("Currency"), _("About"), _("Reference")]
        name = f"wallet-{period.first:%Y-%m-%d}-{period.last:%Y-%m-%d}.csv"
        return StreamingHttpResponse(
            csv_lines(rows, header=header),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )
