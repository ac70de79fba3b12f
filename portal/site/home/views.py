"""One address, a home for each kind of organisation."""

from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from accounts.rules.permissions import Kind, Permission
from accounts.views_support import OrganisationMixin
from kit.htmx import FragmentMixin, is_fragment

from .agent import agent_home
from .customer import customer_home, live_panel, overview, recent_campaigns
from .onboarding import checklist, has_sent, progress
from .operator import operator_home
from .periods import LABELS, Period, period_of


class HomeView(OrganisationMixin, FragmentMixin, TemplateView):
    """The state of today; first use is a checklist.  htmx asks for the figures again while the page is open."""

    permission = Permission.VIEW_HOME

    def get(self, request, *args, **kwargs):
        self.period = period_of(request.GET)
        self.choose_page()
        return super().get(request, *args, **kwargs)

    def choose_page(self) -> None:
        kind = self.organisation.kind
        self.page = kind if kind != Kind.CUSTOMER or has_sent(self.organisation) else "start"
        self.template_name = f"site/home_{self.page}.html"
        self.fragment_template_name = f"site/_overview_{self.page}.html"

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        context = super().get_context_data(period=self.period, **kwargs)
        return context | getattr(self, f"{self.page}_context")()

    def customer_context(self) -> dict[str, Any]:
        if is_fragment(self.request):
            return overview(self.organisation, self.period)
        head = {
            "period_choices": choices(self.period),
            "period_title": LABELS[self.period.code],
            "lead": compared_line(self.period),
        }
        return head | customer_home(self.organisation, self.membership, self.period)

    def agent_context(self) -> dict[str, Any]:
        return agent_home(self.organisation, self.period)

    def operator_context(self) -> dict[str, Any]:
        return operator_home(self.organisation, self.membership, self.period)

    def start_context(self) -> dict[str, Any]:
        steps = checklist(self.organisation, self.membership, self.request.user)
        name = self.request.user.name.split()[0] if self.request.user.name else str(self.request.user)
        return {"steps": steps, "progress": progress(steps), "first_name": name}


class LiveCampaignView(OrganisationMixin, TemplateView):
    """The panel of the campaign at work, asked for every two seconds."""

    permission = Permission.VIEW_MESSAGES
    template_name = "site/_live_campaign.html"

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        return super().get_context_data(**live_panel(recent_campaigns(self.organisation)), **kwargs)


def choices(period: Period) -> list[dict[str, Any]]:
    """The periods to choose from."""
    return [
        {"label": label, "url": "?" if code == "today" else f"?period={code}", "active": code == period.code}
        for code, label in LABELS.items()
    ]


def compared_line(period: Period) -> str:
    """What the figures are of, and with what they are compared: both only up to the last full hour."""
    now = timezone.localtime(period.now)
    facts = {
        "day": formats.date_format(now, "WEEKDAY_FORMAT"),
        "weekday": formats.date_format(now, "l"),
        "until": f"{timezone.localtime(period.whole_hours_until):%H:%M}",
        "first": formats.date_format(timezone.localtime(period.first), "SHORT_DATE_FORMAT"),
    }
    if period.is_hourly:
        return _("%(day)s · compared with last %(weekday)s until %(until)s") % facts
    return _("Since %(first)s · compared with the days before, until today %(until)s") % facts
