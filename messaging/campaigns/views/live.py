"""A campaign at work and afterwards: its numbers, pausing and stopping it, and what became of each recipient."""

from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import TemplateView, View

from accounts import audit
from accounts.rules.permissions import Permission
from kit.errors import NotFound
from kit.formatting import format_count, mask_phone
from kit.htmx import FragmentMixin, is_fragment
from kit.money import units
from kit.spreadsheets import csv_lines
from messaging.campaigns.actions import cancel_campaign, pause_campaign, resume_campaign
from messaging.campaigns.minutes import minutes_of
from messaging.campaigns.models import Campaign
from messaging.campaigns.progress import CampaignProgress, pace_of, progress_for
from messaging.campaigns.queries import recipients_of, skipped_rows_of
from messaging.campaigns.refusals import value_problem
from messaging.engine.meanings import meaning_of
from messaging.engine.queries import messages_for
from messaging.engine.states import LABELS, Status

from .support import CampaignMixin, first_open_step

States = Campaign.Status
CHUNK = 2_000


class CampaignView(CampaignMixin, FragmentMixin, TemplateView):
    """The numbers, asked for every two seconds while they move."""

    template_name = "campaigns/campaign.html"
    fragment_template_name = "campaigns/_live.html"

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if self.campaign.is_draft and self.may(Permission.MANAGE_CAMPAIGNS):
            step = first_open_step(self.campaign) or "review"
            return redirect(f"messaging:send_{step}", self.campaign.pk)
        return super().get(request, *args, **kwargs)

    @cached_property
    def progress(self) -> CampaignProgress:
        return progress_for(self.organisation, self.campaign)

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        campaign, progress = self.campaign, self.progress
        pace = pace_of(progress) if campaign.status == States.SENDING else None
        left = progress.not_sent
        return super().get_context_data(
            now=timezone.localtime(),
            progress=progress,
            currency=self.organisation.currency,
            pace=pace,
            done_at=pace.done_at(left) if pace else None,
            is_stalled=bool(pace and pace.is_stalled and left),
            is_live=self.is_live,
            every="2s" if campaign.status == States.SENDING else "15s",
            said=self.said(),
            actions=actions_for(campaign) if self.may(Permission.MANAGE_CAMPAIGNS) else (),
            skipped=skipped_lines(campaign) if campaign.skipped else [],
            stopped=stop_text(campaign),
            **({} if is_fragment(self.request) else minutes_context(campaign)),
            **kwargs,
        )

    @property
    def is_live(self) -> bool:
        """Whether the numbers may still change; what carriers have comes back for days, so slowly then."""
        return not self.campaign.has_ended or self.progress.waiting > 0

    def said(self) -> dict[str, Any]:
        """What a screen reader is told: quarters as they are passed, and the end."""
        before, now = quarter_in(self.request.GET.get("said", "")), self.progress.quarter
        text = ""
        if before is not None and now > before:
            text = _("%(percent)d%% handed to carriers, %(failed)s failed") % {
                "percent": now,
                "failed": format_count(self.progress.failed),
            }
        return {"quarter": now, "text": text}


class MinutesView(CampaignMixin, TemplateView):
    """The lines of the last half hour, asked for every fifteen seconds."""

    template_name = "campaigns/_minutes.html"

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        is_live = not self.campaign.has_ended
        return super().get_context_data(is_live=is_live, **minutes_context(self.campaign), **kwargs)


class ActView(CampaignMixin, TemplateView):
    """Pause, resume or cancel.  GET asks first, for those without scripts."""

    permission = Permission.MANAGE_CAMPAIGNS
    template_name = "campaigns/confirm.html"
    act: str = ""

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        return super().get_context_data(
            act=self.act,
            progress=progress_for(self.organisation, self.campaign),
            currency=self.organisation.currency,
            **kwargs,
        )

    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        action, done = {
            "pause": (pause_campaign, _("Paused")),
            "resume": (resume_campaign, _("Sending again")),
            "cancel": (cancel_campaign, _("Stopped. What was not sent is going back to your wallet")),
        }[self.act]
        action(organisation=self.organisation, campaign_id=id)
        messages.success(request, done)
        return redirect("messaging:campaign", id)


class ResultsCsvView(CampaignMixin, View):
    """What became of each recipient.  Whole numbers only for those who may see them; that is recorded."""

    def get(self, request: HttpRequest, id: UUID) -> HttpResponse:
        if self.campaign.file is None:
            raise NotFound
        if self.may(Permission.REVEAL_NUMBERS):
            audit.record(action="campaign.exported", target=self.campaign, organisation=self.organisation)
        header = [
            _("Row"),
            _("Number"),
            _("Country"),
            _("Status"),
            _("Reason"),
            _("Segments"),
            _("Price"),
            _("Currency"),
        ]
        response = StreamingHttpResponse(csv_lines(self.rows(), header=header), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="campaign-{id}.csv"'
        return response

    def rows(self) -> Iterator[tuple]:
        return self.rows_erased() if self.is_erased else self.rows_of_file()

    @property
    def is_erased(self) -> bool:
        """Whether messages of it have lost their numbers by now, so that its file says no more what became of whom."""
        begun, erased_before = self.campaign.started_at, self.organisation.erased_before
        return bool(begun and erased_before and begun < erased_before)

    def rows_erased(self) -> Iterator[tuple]:
        """A line for each message, in the order of the file; which row it was, nobody knows any more."""
        fields = ("country", "status", "error_code", "segments", "price", "currency")
        found = messages_for(self.organisation).filter(campaign_id=self.campaign.pk).order_by("id").values(*fields)
        for message in found.iterator(chunk_size=CHUNK):
            yield "", mask_phone(""), message["country"], *result_of(message, None)

    def rows_of_file(self) -> Iterator[tuple]:
        recipients = recipients_of(self.campaign.file).only("row", "number", "country").iterator(chunk_size=CHUNK)
        shown = str if self.may(Permission.REVEAL_NUMBERS) else mask_phone
        skipped = {row.row: row for row in skipped_rows_of(self.campaign).iterator(chunk_size=CHUNK)}
        while chunk := list(islice(recipients, CHUNK)):
            found = self.messages_to([recipient.number for recipient in chunk])
            for recipient in chunk:
                result = result_of(found.get(recipient.number), skipped.get(recipient.row))
                yield recipient.row, shown(recipient.number), recipient.country, *result

    def messages_to(self, numbers: list[str]) -> dict[str, dict[str, Any]]:
        rows = messages_for(self.organisation).filter(campaign_id=self.campaign.pk, recipient__in=numbers).order_by()
        fields = ("recipient", "status", "error_code", "segments", "price", "currency")
        return {row["recipient"]: row for row in rows.values(*fields)}


def minutes_context(campaign: Campaign) -> dict[str, Any]:
    """The chart of messages a minute, and the sentence that says it."""
    minutes = minutes_of(campaign)
    if len(minutes) < 2:
        return {"minutes": None}
    names = [f"{timezone.localtime(minute.at):%H:%M}" for minute in minutes]
    series = [
        {"name": _("Handed over"), "tone": "c1", "data": [minute.handed_over for minute in minutes]},
        {"name": _("Delivered"), "tone": "ok", "data": [minute.delivered for minute in minutes]},
    ]
    facts = {"first": names[0], "last": names[-1], "most": format_count(max(series[0]["data"]))}
    summary = _("Messages a minute from %(first)s to %(last)s; at most %(most)s were handed over") % facts
    return {"minutes": {"x": names, "x_label": _("Minute"), "series": series}, "minutes_summary": summary}


def result_of(message: dict[str, Any] | None, skipped) -> tuple:
    """Status, reason, segments, price, currency of one recipient."""
    if message is None and skipped is not None:
        return _("Left out"), value_problem(skipped.reason, skipped.field), 0, "", ""
    if message is None:
        return _("Not sent"), "", 0, "", ""
    status = Status(message["status"])
    reason = str(meaning_of(message["error_code"]) or message["error_code"])
    price = units(message["price"]) if status == Status.DELIVERED or not status.is_final else 0
    return str(LABELS[status]), reason, message["segments"], price, message["currency"]


def quarter_in(text: str) -> int | None:
    return int(text) if text in ("0", "25", "50", "75", "100") else None


def actions_for(campaign: Campaign) -> tuple[str, ...]:
    """What can be done with it now."""
    if campaign.status == States.SENDING:
        return ("pause", "cancel")
    if campaign.status in (States.PAUSED, States.STOPPED):
        return ("resume", "cancel")
    return ("cancel",) if campaign.status == States.SCHEDULED else ()


def skipped_lines(campaign: Campaign) -> list[dict[str, Any]]:
    """The first rows that were left out, and why."""
    rows = skipped_rows_of(campaign)[:5]
    return [{"row": row.row, "why": value_problem(row.reason, row.field)} for row in rows]


def stop_text(campaign: Campaign) -> dict[str, str] | None:
    """Why it stopped and what to do."""
    if campaign.status != States.STOPPED:
        return None
    reason, text = campaign.stop_reason, str(campaign.stop_reason.get("message", ""))
    if reason.get("code") == "insufficient_balance":
        text = _("The next messages need %(needed)s %(currency)s; %(available)s are there. Top up, then resume.") % {
            "currency": "", **reason["details"],
        }  # fmt: skip
        return {
            "title": _("The wallet is empty"),
            "text": text,
            "action": _("Top up"),
            "url": reverse("billing:top_up"),
        }
    return {"title": _("Sending has stopped"), "text": text, "action": "", "url": ""}
