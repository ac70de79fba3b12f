"""All campaigns of an organisation."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin
from kit.htmx import FragmentMixin
from kit.tables import TableListView
from messaging.campaigns.listing import ListedCampaigns
from messaging.campaigns.models import Campaign
from messaging.campaigns.tables import CampaignTable

States = Campaign.Status
GROUPS = {
    "running": (States.SCHEDULED, States.SENDING, States.PAUSED, States.STOPPED),
    "draft": (States.DRAFT,),
    "ended": (States.SENT, States.CANCELLED),
}


class CampaignsView(OrganisationMixin, FragmentMixin, TableListView):
    """The list; while one of them is sending it is asked for again every two seconds."""

    permission = Permission.VIEW_MESSAGES
    template_name = "campaigns/campaigns.html"
    fragment_template_name = "campaigns/_campaigns.html"
    table_class = CampaignTable
    rows_a_page = 25

    @property
    def group(self) -> str:
        chosen = self.request.GET.get("show", "")
        return chosen if chosen in GROUPS else ""

    def get_queryset(self) -> ListedCampaigns:
        return ListedCampaigns(self.organisation, statuses=GROUPS.get(self.group, ()))

    def get_table_kwargs(self) -> dict[str, Any]:
        return {"organisation": self.organisation}

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        shown = [row.record for row in context["table"].paginated_rows]
        return context | {
            "choices": choices(self.group),
            "is_empty": not shown and not self.group and not self.request.GET.get("page"),
            "is_moving": any(campaign.status == States.SENDING for campaign in shown),
        }


def choices(group: str) -> list[dict[str, Any]]:
    labels = {"": _("All"), "running": _("At work"), "draft": _("Drafts"), "ended": _("Ended")}
    return [
        {"label": label, "url": f"?show={name}" if name else "?", "active": name == group}
        for name, label in labels.items()
    ]
