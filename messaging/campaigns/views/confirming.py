"""Send 3 and 4: when it leaves, and the last look before it does."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView

from kit.errors import DomainError, Invalid
from kit.formatting import format_count, format_money
from messaging.campaigns.actions import set_schedule, start_campaign
from messaging.campaigns.actions.drafts import count_or_ask
from messaging.campaigns.errors import NotADraftCampaign
from messaging.campaigns.forms import ScheduleForm
from messaging.campaigns.measuring import Cost, Estimate, estimate_of
from messaging.campaigns.queries import recipients_of
from messaging.campaigns.wording import wording_of
from messaging.content.models import ReviewStatus
from messaging.content.rules.hints import OPT_OUT
from messaging.content.rules.variables import ValueRefused

from .costs import cost_context
from .support import StepMixin

#: From so many recipients on, the number has to be typed.
TYPE_THE_NUMBER = 10_000


class ScheduleView(StepMixin, FormView):
    """Now or later."""

    step = "schedule"
    template_name = "campaigns/schedule.html"
    form_class = ScheduleForm

    def get_initial(self) -> dict[str, Any]:
        starts_at = self.campaign.starts_at
        return {"when": "later" if starts_at else "now", "starts_at": starts_at}

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        return super().get_context_data(
            now=timezone.now(), zone=self.organisation.time_zone, estimate=estimate_of(self.campaign), **kwargs
        )

    def form_valid(self, form: ScheduleForm) -> HttpResponse:
        try:
            set_schedule(
                organisation=self.organisation,
                campaign_id=self.campaign.pk,
                starts_at=form.cleaned_data["starts_at"],
            )
        except Invalid as refusal:
            form.add_error("starts_at", refusal.details["fields"]["starts_at"])
            return self.form_invalid(form)
        return redirect("messaging:send_review", self.campaign.pk)

    def form_invalid(self, form: ScheduleForm) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = 422
        return response


class ReviewView(StepMixin, TemplateView):
    """Who, what, when, for how much; and the button that sends."""

    step = "review"
    template_name = "campaigns/review.html"
    problem: DomainError | None = None
    wrong_number = False

    @cached_property
    def estimate(self) -> Estimate | None:
        """The count; asked for again when the file was read anew since."""
        count_or_ask(self.campaign)
        return estimate_of(self.campaign)

    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        if self.must_type and digits_in(request.POST.get("count", "")) != self.count:
            self.wrong_number = True
            return self.refused(422)
        try:
            campaign = start_campaign(organisation=self.organisation, campaign_id=id)
        except NotADraftCampaign:
            return redirect("messaging:campaign", id)
        except DomainError as refusal:
            self.problem = refusal
            return self.refused(refusal.status)
        if campaign.status == campaign.Status.SCHEDULED:
            messages.success(request, _("Scheduled"))
        return redirect("messaging:campaign", id)

    def refused(self, status: int) -> HttpResponse:
        return self.render_to_response(self.get_context_data(), status=status)

    @property
    def count(self) -> int:
        return self.estimate.messages if self.estimate else self.campaign.file.tally["valid"]

    @property
    def must_type(self) -> bool:
        return self.count > TYPE_THE_NUMBER

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        costs = {}
        if self.estimate:
            costs = cost_context(
                self.organisation, self.campaign.category, self.estimate, is_test=self.campaign.is_test
            )
        cost = costs.get("cost")
        return super().get_context_data(
            estimate=self.estimate,
            checks=self.checks(cost),
            problem=self.problem,
            wrong_number=self.wrong_number,
            must_type=self.must_type,
            count=self.count,
            sample=self.sample(),
            is_later=bool(self.campaign.starts_at and self.campaign.starts_at > timezone.now()),
            zone=self.organisation.time_zone,
            **costs,
            **kwargs,
        )

    def sample(self) -> str:
        """The longest message, as it will arrive."""
        wording, row = wording_of(self.campaign), self.estimate.longest_row if self.estimate else 0
        recipient = recipients_of(self.campaign.file).filter(row=row).first() if wording and row else None
        try:
            return wording.render(recipient.values).text if recipient else ""
        except ValueRefused:
            return ""

    def checks(self, cost: Cost | None) -> list[dict[str, str]]:
        """What was checked: ok, or worth a look."""
        campaign, estimate = self.campaign, self.estimate
        is_approved = ReviewStatus.APPROVED
        found = [
            _check(campaign.sender.status == is_approved, _("Sender approved"), _("Sender not approved")),
            _check(campaign.version.status == is_approved, _("Template approved"), _("Template not approved")),
        ]
        if campaign.category == "promotion":
            has_opt_out = bool(OPT_OUT.search(campaign.version.body))
            found.append(_check(has_opt_out, _("Opt-out text present"), _("No opt-out text was found")))
        if estimate and estimate.unusable:
            facts = {"count": format_count(estimate.unusable), "row": estimate.unusable_row}
            left_out = _("%(count)s rows have a value that can't be sent and are left out (first: row %(row)d)")
            found.append(_check(False, "", left_out % facts))
        if estimate and estimate.opted_out:
            text = _("%(count)s people have opted out and are skipped") % {"count": format_count(estimate.opted_out)}
            found.append(_check(True, text, ""))
        if cost and not campaign.is_test:
            facts = {"short": format_money(cost.shortfall, cost.currency)}
            found.append(
                _check(not cost.shortfall, _("The balance reaches"), _("The wallet is %(short)s short") % facts)
            )
        return found


def _check(is_ok: bool, ok: str, warn: str) -> dict[str, str]:
    return {"tone": "ok" if is_ok else "warn", "text": ok if is_ok else warn}


def digits_in(text: str) -> int:
    digits = "".join(letter for letter in text if letter.isascii() and letter.isdigit())[:12]
    return int(digits or 0)
