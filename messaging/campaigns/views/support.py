"""What the pages of one campaign stand on."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import View

from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin
from messaging.campaigns.models import Campaign
from messaging.campaigns.queries import campaign_of

TONES = {
    Campaign.Status.DRAFT: "wait",
    Campaign.Status.SCHEDULED: "wait",
    Campaign.Status.SENDING: "run",
    Campaign.Status.PAUSED: "warn",
    Campaign.Status.STOPPED: "bad",
    Campaign.Status.SENT: "ok",
    Campaign.Status.CANCELLED: "wait",
}
STEPS = ("recipients", "message", "schedule", "review")


class CampaignMixin(OrganisationMixin):
    """A page of one of the organisation's campaigns, named by `id` in the URL."""

    permission = Permission.VIEW_MESSAGES

    @cached_property
    def campaign(self) -> Campaign:
        campaign = campaign_of(self.organisation, self.kwargs["id"])
        campaign.organisation = self.organisation
        return campaign

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        return super().get_context_data(campaign=self.campaign, tone=TONES[self.campaign.status], **kwargs)


class StepGate(View):
    """Comes after the permission check: a step whose turn it is not leads to the page whose turn it is."""

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        campaign = self.campaign
        if not campaign.is_draft:
            return redirect("messaging:campaign", campaign.pk)
        if (first := first_open_step(campaign)) and STEPS.index(first) < STEPS.index(self.step):
            return redirect(f"messaging:send_{first}", campaign.pk)
        return super().dispatch(request, *args, **kwargs)


class StepMixin(CampaignMixin, StepGate):
    """One step of a draft.  A campaign that was started has no steps any more: its own page is shown."""

    permission = Permission.MANAGE_CAMPAIGNS
    step: str

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        return super().get_context_data(steps=steps_of(self.step, self.campaign), **kwargs)


def first_open_step(campaign: Campaign) -> str:
    """The step that has to be done before those after it can be; empty when all have been."""
    file = campaign.file
    if file is None or not file.is_read or not file.tally.get("valid"):
        return "recipients"
    if campaign.version_id is None or campaign.sender_id is None:
        return "message"
    return ""


def steps_of(now: str, campaign: Campaign | None = None) -> list[dict[str, Any]]:
    """The stepper; steps that were done are links."""
    labels = {
        "recipients": _("Recipients"),
        "message": _("Message"),
        "schedule": _("Schedule"),
        "review": _("Review and send"),
    }
    place = STEPS.index(now)
    return [
        {
            "label": labels[step],
            "state": "done" if index < place else "now" if index == place else "next",
            "url": reverse(f"messaging:send_{step}", args=[campaign.pk]) if campaign else "",
        }
        for index, step in enumerate(STEPS)
    ]
