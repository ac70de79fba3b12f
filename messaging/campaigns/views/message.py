"""Send 2: what it says.  Template, sender and values, with a preview of real recipients and what it costs."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.views.generic import TemplateView

from kit.errors import DomainError, Invalid
from kit.formatting import mask_phone
from kit.htmx import FragmentMixin
from messaging.campaigns.actions import set_message
from messaging.campaigns.forms import MessageForm
from messaging.campaigns.measuring import Estimate, estimate_of, measure
from messaging.campaigns.models import Recipient
from messaging.campaigns.queries import recipients_of
from messaging.campaigns.refusals import value_problem
from messaging.campaigns.wording import Wording, fingerprint_of, make_wording
from messaging.content.forcing import forcing_in
from messaging.content.marking import pieces
from messaging.content.rules.segments import count_segments
from messaging.content.rules.variables import ValueRefused

from .costs import cost_context
from .support import StepMixin

#: While somebody is choosing, so many recipients are counted; of larger lists the rest is "about".
LOOKED_AT = 3_000


class MessageView(StepMixin, FragmentMixin, TemplateView):
    """GET shows the draft, or what the form's fields in the URL would make of it; POST keeps it.

    htmx is answered with the parts that follow from the fields.  The fields themselves stay as they are,
    so that nothing typed meanwhile is lost, but for the values of another template than the page shows.
    """

    step = "message"
    template_name = "campaigns/message.html"
    fragment_template_name = "campaigns/_message_parts.html"

    @property
    def shows_its_fields(self) -> bool:
        """Whether the page that asks has the fields of the chosen template: else they are part of the answer.

        Known from what was sent and not from which field was changed, because a newer question replaces
        an older one: whoever chooses a sender right after a template asks only once.
        """
        shown = [key.removeprefix("column_") for key in self.request.GET if key.startswith("column_")]
        return shown == self.form.variables

    @cached_property
    def form(self) -> MessageForm:
        data = self.request.POST if self.request.method == "POST" else self.request.GET
        return MessageForm(data if "version" in data else None, organisation=self.organisation, campaign=self.campaign)

    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        if self.form.is_valid() and self.keep():
            stays = request.POST.get("action") == "save"
            return redirect("messaging:send_message" if stays else "messaging:send_schedule", id)
        return self.render_to_response(self.get_context_data(), status=422)

    def keep(self) -> bool:
        """Store what was chosen; whether it could be."""
        try:
            set_message(
                organisation=self.organisation,
                campaign_id=self.campaign.pk,
                version_id=UUID(self.form.cleaned_data["version"]),
                sender_id=UUID(self.form.cleaned_data["sender"]),
                columns=self.form.chosen("column"),
                fixed=self.form.chosen("fixed"),
                name=self.form.cleaned_data["name"],
            )
        except Invalid as refusal:
            self.form.blame(refusal.details.get("variables") or refusal.details["fields"])
            return False
        except DomainError as refusal:
            self.form.add_error(None, refusal.message)
            return False
        return True

    @cached_property
    def wording(self) -> Wording | None:
        form = self.form
        if form.version is None or form.sender is None:
            return None
        return make_wording(form.version, form.sender, form.chosen("column"), form.chosen("fixed"))

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        estimate = self.estimate()
        return super().get_context_data(
            form=self.form,
            file=self.campaign.file,
            category=self.form.version.template.get_category_display() if self.form.version else "",
            pieces=pieces(self.form.version.body) if self.form.version else [],
            estimate=estimate,
            problems=problems_of(estimate),
            forcing=forcing_of(self.wording, estimate),
            **self.cost(estimate),
            **self.preview(estimate),
            **kwargs,
        )

    def estimate(self) -> Estimate | None:
        """What was counted for exactly this; else a count of the first recipients."""
        wording, file = self.wording, self.campaign.file
        if wording is None:
            return None
        known = estimate_of(self.campaign)
        if known and known.of == fingerprint_of(file, wording):
            return known
        return measure(file=file, wording=wording, organisation=self.organisation, most=LOOKED_AT)

    def cost(self, estimate: Estimate | None) -> dict[str, Any]:
        if estimate is None or self.form.version is None:
            return {"cost": None}
        category = self.form.version.template.category
        return cost_context(self.organisation, category, estimate, is_test=self.campaign.is_test)

    def preview(self, estimate: Estimate | None) -> dict[str, Any]:
        """One recipient's message: the first is the one whose message is longest, then they come in the file's order."""
        total = self.campaign.file.tally["valid"]
        place = place_in(self.request.GET.get("to", "1"), total)
        recipient = self.recipient_at(place, estimate)
        shown = {"place": place, "total": total, "previous": place - 1, "next": place + 1 if place < total else 0}
        if recipient is None or self.wording is None:
            return {"preview": shown}
        shown |= {"to": mask_phone(recipient.number), "row": recipient.row, "is_longest": place == 1}
        return {"preview": shown | rendered(self.wording, recipient)}

    def recipient_at(self, place: int, estimate: Estimate | None) -> Recipient | None:
        recipients = recipients_of(self.campaign.file)
        longest = estimate.longest_row if estimate else 0
        if place == 1 and longest:
            return recipients.filter(row=longest).first()
        others = recipients.exclude(row=longest) if longest else recipients
        return others[place - 2 : place - 1].first() if longest else others[place - 1 : place].first()


def place_in(text: str, total: int) -> int:
    place = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1
    return max(1, min(place, total))


def rendered(wording: Wording, recipient: Recipient) -> dict[str, Any]:
    """The text and its size, or why there is none."""
    try:
        made = wording.render(recipient.values)
    except ValueRefused as refused:
        return {"problems": [value_problem(problem.code, problem.variable) for problem in refused.problems]}
    size = count_segments(made.text)
    return {"text": made.text, "segments": size.segments, "units": size.units, "size": size}


def problems_of(estimate: Estimate | None) -> list[dict[str, Any]]:
    """Rows that can't be sent, by variable and reason."""
    found = []
    for key, count in (estimate.problems if estimate else {}).items():
        variable, _colon, code = key.rpartition(":")
        found.append({"count": count, "text": value_problem(code, variable)})
    return found


def forcing_of(wording: Wording | None, estimate: Estimate | None) -> dict[str, Any] | None:
    """Which character makes the messages Unicode, where it is and what would be plain.

    Named first is one that nothing stands for: with it in the wording, the others are no matter.
    """
    if wording is None or estimate is None or not estimate.unicode:
        return None
    in_body = forcing_in(wording.version.body)
    if in_body:
        first = next((one for one in in_body if one.instead is None), in_body[0])
        return {"where": "body", "first": first, "others": [one.character for one in in_body if one is not first][:5]}
    if wording.sender.is_signature:
        return {"where": "signature", "text": str(wording.sender)}
    return {"where": "values", "count": estimate.unicode, "characters": estimate.forcing}
