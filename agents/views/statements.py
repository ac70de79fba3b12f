"""What a month brought, as a page and as a file."""

from zoneinfo import ZoneInfo

from django.http import Http404, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import TemplateView

from accounts.models import Organisation
from accounts.rules.permissions import Permission
from agents import queries
from agents.rules.months import Month
from agents.statement_rows import StatementRows
from kit.formatting import format_money
from kit.money import units
from kit.spreadsheets import csv_lines

from .accounts import this_month
from .support import DownlineMixin, as_file


class StatementMixin(DownlineMixin):
    """The month the address names, this one else; of the agent itself or, where an id is named, of a reseller below."""

    permission = Permission.VIEW_ACCOUNTS

    @cached_property
    def agent(self) -> Organisation:
        found = self.account() if "id" in self.kwargs else self.organisation
        if found.kind != Organisation.Kind.AGENT:
            raise Http404
        return found

    @cached_property
    def month(self) -> Month:
        try:
            return Month.read(self.request.GET["month"]) if "month" in self.request.GET else this_month(self.agent)
        except ValueError as error:
            raise Http404 from error


class StatementView(StatementMixin, TemplateView):
    template_name = "agents/statement.html"

    def get_context_data(self, **kwargs) -> dict:
        statement, now = queries.statement(self.agent, self.month), this_month(self.agent)
        return super().get_context_data(
            agent=self.agent,
            is_own=self.agent == self.organisation,
            statement=statement,
            rows=StatementRows(statement),
            is_running=self.month >= now,
            months=[
                {
                    "total": one,
                    "date": one.month.begin(ZoneInfo(self.agent.time_zone)),
                    "active": one.month == self.month,
                }
                for one in queries.months_of(self.agent, until=now)
            ],
            kpis=self.kpis(statement),
            **kwargs,
        )

    def kpis(self, statement: queries.Statement) -> list[dict]:
        """The sums in the agent's own currency; others have their rows in the table."""
        currency = self.agent.currency
        total = next((one for one in statement.totals if one.currency == currency), None)

        def amount(name: str) -> str:
            return format_money(getattr(total, name) if total else 0, currency)

        return [
            {"label": _("Margin"), "value": amount("margin")},
            {"label": _("Commission on messages"), "value": amount("on_traffic")},
            {"label": _("Commission on packages"), "value": amount("packages_kept")},
            {"label": _("Earned in all"), "value": amount("total")},
        ]


class StatementCsvView(StatementMixin, View):
    def get(self, request, *args, **kwargs) -> HttpResponse:
        statement = queries.statement(self.agent, self.month)
        header = [
            _("Account"), _("Currency"), _("Segments"), _("Margin"), _("Commission on messages"),
            _("Commission on packages"), _("Taken back"), _("Total"), _("Account's id"),
        ]  # fmt: skip
        rows = [
            (
                line.name,
                line.currency,
                line.segments,
                *(
                    units(getattr(line, name))
                    for name in ("margin", "on_traffic", "on_packages", "taken_back", "total")
                ),
                line.customer_id,
            )
            for line in statement.lines
        ]
        return as_file(f"statement-{self.month}.csv", csv_lines(rows, header=header))
