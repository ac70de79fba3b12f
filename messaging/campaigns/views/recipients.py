"""Send 1: who gets it.  Upload, watch it being read, correct what was guessed, see what can't be used."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView, View

from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin
from kit.errors import DomainError, Invalid
from kit.htmx import FragmentMixin
from kit.spreadsheets import csv_lines
from messaging.campaigns.actions import create_draft, set_file, set_reading, upload_file
from messaging.campaigns.errors import FileTooLarge
from messaging.campaigns.forms import ReadingForm, RecipientsForm
from messaging.campaigns.models import RecipientFile
from messaging.campaigns.queries import unusable_rows_of
from messaging.campaigns.refusals import file_refusal, row_reason
from messaging.campaigns.regions import country_name, place_of_name
from messaging.campaigns.rules.tally import DUPLICATE
from messaging.campaigns.uploads import is_too_large

from .support import StepMixin, steps_of

#: Bad rows shown on the page; the rest is in the CSV.
SHOWN = 8
SHOWN_ALL = 200
SHOWN_COUNTRIES = 8


class UploadMixin:
    """Takes the form with the file and keeps what it holds."""

    request: HttpRequest

    def take(self, form: RecipientsForm) -> RecipientFile | None:
        """The stored file; None when it was refused, with the form saying why."""
        try:
            if is_too_large(self.request):
                raise FileTooLarge
            return upload_file(
                organisation=self.organisation,
                name=form.name,
                stream=form.stream,
                by=self.request.user,
                default_region=form.cleaned_data["default_region"],
            )
        except DomainError as refusal:
            form.add_error(
                "file" if form.cleaned_data.get("file") or is_too_large(self.request) else None, refusal.message
            )
            return None


class NewCampaignView(OrganisationMixin, UploadMixin, FormView):
    """The start of a campaign: a file of recipients makes it a draft."""

    permission = Permission.MANAGE_CAMPAIGNS
    template_name = "campaigns/new.html"
    form_class = RecipientsForm

    def get_initial(self) -> dict[str, Any]:
        return {"default_region": self.organisation.country}

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        return super().get_context_data(steps=steps_of("recipients"), **kwargs)

    def form_valid(self, form: RecipientsForm) -> HttpResponse:
        file = self.take(form)
        if file is None:
            return self.form_invalid(form)
        campaign = create_draft(organisation=self.organisation, file=file, by=self.request.user)
        return redirect("messaging:send_recipients", campaign.pk)

    def form_invalid(self, form: RecipientsForm) -> HttpResponse:
        if is_too_large(self.request) and "file" not in form.errors:
            form.add_error("file", FileTooLarge.message)
        response = super().form_invalid(form)
        response.status_code = 422
        return response


class RecipientsView(StepMixin, FragmentMixin, TemplateView):
    """What is in the file, while it is read and afterwards."""

    step = "recipients"
    template_name = "campaigns/recipients.html"
    fragment_template_name = "campaigns/_recipients.html"

    @cached_property
    def file(self) -> RecipientFile:
        return self.campaign.file

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        kwargs.setdefault("reading_form", ReadingForm(file=self.file))
        kwargs.setdefault("upload_form", RecipientsForm(initial={"default_region": self.file.default_region}))
        return super().get_context_data(
            file=self.file,
            is_waiting=self.file.status in (self.file.Status.UPLOADED, self.file.Status.READING),
            refusal=file_refusal(self.file.refusal) if self.file.refusal else None,
            columns=columns_of(self.file),
            countries=countries_of(self.file),
            **self.bad_rows(),
            **kwargs,
        )

    def bad_rows(self) -> dict[str, Any]:
        """The first rows that can't be used, and how many there are; duplicates are counted apart."""
        if not self.file.is_read:
            return {"bad_rows": [], "bad_count": 0}
        count = self.file.tally["unusable"]
        shows_all = "all" in self.request.GET
        rows = (
            unusable_rows_of(self.file).exclude(reason=DUPLICATE)[: SHOWN_ALL if shows_all else SHOWN] if count else []
        )
        return {
            "bad_rows": [{"row": row.row, "typed": row.typed, "why": row_reason(row.reason)} for row in rows],
            "bad_count": count,
            "shows_all": shows_all,
        }


class ReplaceFileView(StepMixin, UploadMixin, View):
    """Another file for the same draft."""

    step = "recipients"

    def get(self, request: HttpRequest, id: UUID) -> HttpResponse:
        return redirect("messaging:send_recipients", self.campaign.pk)

    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        id = self.campaign.pk
        form = RecipientsForm(request.POST, request.FILES)
        file = self.take(form) if form.is_valid() else None
        if file is not None:
            set_file(organisation=self.organisation, campaign_id=self.campaign.pk, file=file)
        else:
            too_large = str(FileTooLarge.message) if is_too_large(request) else ""
            messages.error(request, too_large or " ".join(error for errors in form.errors.values() for error in errors))
        return redirect("messaging:send_recipients", id)


class ReadingView(RecipientsView):
    """Overrules how the file is read."""

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        return redirect("messaging:send_recipients", self.campaign.pk)

    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        form = ReadingForm(request.POST, file=self.file)
        if form.is_valid():
            try:
                set_reading(organisation=self.organisation, file_id=self.file.pk, **form.choices_made())
                return redirect("messaging:send_recipients", id)
            except Invalid as refusal:
                for field, problem in refusal.details["fields"].items():
                    form.add_error(field if field in form.fields else None, problem)
        return self.render_to_response(self.get_context_data(reading_form=form), status=422)


class UnusableRowsCsvView(StepMixin, View):
    """Every row that was not used, with the number as typed and why: to be mended and uploaded again."""

    step = "recipients"
    permission = Permission.MANAGE_CAMPAIGNS

    def get(self, request: HttpRequest, id: UUID) -> HttpResponse:
        header = [_("Row"), _("As in your file"), _("Why"), _("Code")]
        lines = csv_lines(rows_not_used(self.campaign.file), header=header)
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="rows-not-used.csv"'
        return response


def rows_not_used(file: RecipientFile) -> Iterator[tuple]:
    """Row, number as typed, why, code."""
    rows = unusable_rows_of(file).values_list("row", "typed", "reason", "first_row")
    for row, typed, reason, first_row in rows.iterator(chunk_size=2_000):
        yield row, typed, row_reason(reason, first_row), reason


def columns_of(file: RecipientFile) -> list[dict[str, Any]]:
    """The columns, the first value of each that has one, and whether it holds the numbers."""
    sample, number_column = file.shape.get("sample", ()), file.mapping.get("number_column")
    return [
        {
            "index": index,
            "name": name,
            "value": next((row[index] for row in sample if index < len(row) and row[index].strip()), ""),
            "is_number": index == number_column,
        }
        for index, name in enumerate(file.shape.get("header", ()))
    ]


def countries_of(file: RecipientFile) -> list[tuple[str, int]]:
    """The countries with the most recipients, in the order of their names."""
    largest = Counter(file.tally.get("by_country", {})).most_common(SHOWN_COUNTRIES)
    return sorted(((country_name(code), count) for code, count in largest), key=lambda pair: place_of_name(pair[0]))
