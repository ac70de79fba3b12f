"""Messages in the console: the list, one message with its way, the number behind the mask, search."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import formats
from django.utils.functional import cached_property
from django.views.generic import TemplateView, View

from accounts import audit
from accounts.models import Organisation
from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin
from kit.formatting import mask_phone
from kit.htmx import FragmentMixin
from kit.money import units
from kit.reports import ReportResponse
from kit.spreadsheets import csv_lines
from messaging.content.models import TemplateVersion

from .details import page_of_message
from .filters import STATUS_CHOICES, MessageFilter, number_of
from .forms import SearchForm
from .models import Message
from .pages import CursorPage, page_of
from .queries import message_of, messages_for
from .search import found_in
from .states import CODES, Status
from .tables import MessageTable

PAGE_SIZE = 50
MOST_EXPORTED = 100_000
CURSORS = ("before", "after")


class FilteredMixin(OrganisationMixin):
    """The messages the URL asks for."""

    permission = Permission.VIEW_MESSAGES

    @cached_property
    def filter(self) -> MessageFilter:
        return MessageFilter(
            self.request.GET, messages_for(self.organisation), organisation=self.organisation, request=self.request
        )

    def messages(self):
        return self.filter.qs if self.filter.is_valid() else messages_for(self.organisation).none()


class MessagesView(FilteredMixin, FragmentMixin, TemplateView):
    template_name = "messages/messages.html"
    fragment_template_name = "messages/_messages.html"

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        page = self.page()
        with_origins(self.organisation, page.messages)
        asked = self.request.GET.copy()
        for cursor in CURSORS:
            asked.pop(cursor, None)
        return super().get_context_data(
            filter=self.filter,
            form=self.filter.form,
            table=MessageTable(page.messages),
            chips=chips(self.filter, asked),
            hidden_filters=[(name, asked.get(name, "")) for name in ("campaign", "template", "key")],
            is_filtered=any(asked.values()),
            is_empty=not page.messages and not any(self.request.GET.values()),
            newer_url=with_cursor(asked, "after", page.newer),
            older_url=with_cursor(asked, "before", page.older),
            export=asked.urlencode(),
            **kwargs,
        )

    def page(self) -> CursorPage:
        before, after = (id_from(self.request.GET.get(cursor, "")) for cursor in CURSORS)
        wanted, share = self.filter.wanted, self.filter.share
        return page_of(self.messages(), wanted=wanted, share=share, before=before, after=after, size=PAGE_SIZE)


class MessagesCsvView(FilteredMixin, View):
    """The same messages as the list shows, as a file.  Whole numbers only for those who may see them; that is recorded."""

    def get(self, request: HttpRequest) -> HttpResponse:
        shows_numbers = self.may(Permission.REVEAL_NUMBERS)
        if shows_numbers:
            audit.record(
                action="messages.exported", target=self.organisation, organisation=self.organisation,
                after={"filters": without(request.GET, "number").urlencode()},
            )  # fmt: skip
        rows = self.messages().filter(self.filter.wanted)[:MOST_EXPORTED]
        response = ReportResponse(
            lambda database: csv_lines(lines_of(rows.using(database), shows_numbers=shows_numbers), header=HEADER),
            content_type="text/csv; charset=utf-8",
        )
        response.headers["Content-Disposition"] = 'attachment; filename="messages.csv"'
        return response


HEADER = (
    "id", "accepted_at", "to", "country", "status", "error", "category", "sender", "segments", "price", "currency",
    "reference", "campaign", "final_at",
)  # fmt: skip


def lines_of(messages, *, shows_numbers: bool) -> Iterator[tuple]:
    for message in messages.iterator(chunk_size=2_000):
        yield (
            message.pk,
            message.accepted_at.isoformat(),
            message.recipient if shows_numbers and message.recipient else mask_phone(message.recipient),
            message.country,
            CODES[message.state],
            message.error_code,
            message.category,
            message.sender,
            message.segments,
            units(message.price),
            message.currency,
            message.client_reference,
            message.campaign_id or "",
            message.final_at.isoformat() if message.final_at else "",
        )


class MessageView(OrganisationMixin, FragmentMixin, TemplateView):
    """One message: what happened, when, why, and what it cost.  Asks again until it is final."""

    permission = Permission.VIEW_MESSAGES
    template_name = "messages/message.html"
    fragment_template_name = "messages/_message.html"

    def get_context_data(self, id: UUID, **kwargs) -> dict[str, Any]:
        message = message_of(self.organisation, id)
        return super().get_context_data(**page_of_message(self.organisation, message), **kwargs)


class RevealView(OrganisationMixin, FragmentMixin, TemplateView):
    """The number behind the mask, shown once to whoever asks for it, and recorded."""

    permission = Permission.REVEAL_NUMBERS
    #: Support looks things up in a stopped account too.
    allowed_when_stopped = True
    http_method_names = ("post",)
    template_name = "messages/message.html"
    fragment_template_name = "messages/_number.html"

    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        message = message_of(self.organisation, id)
        audit.record(action="message.number_revealed", target=message, organisation=self.organisation)
        page = page_of_message(self.organisation, message)
        return self.render_to_response(self.get_context_data(**page, is_revealed=True))


class SearchView(OrganisationMixin, TemplateView):
    """A number, a message's id, a reference, a template's or sender's name.  An id goes straight to its message."""

    permission = Permission.VIEW_MESSAGES
    template_name = "messages/search.html"

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        form = SearchForm(request.GET)
        words = form.cleaned_data["q"] if form.is_valid() else ""
        found = found_in(self.organisation, words)
        if found.exact is not None:
            return redirect("messaging:message", id=found.exact.pk)
        with_origins(self.organisation, found.messages)
        return self.render_to_response(
            self.get_context_data(
                words=words, search_query=words, found=found, table=MessageTable(found.messages, request=request),
                number=number_of(words, self.organisation.country) if found.is_number else "",
            )
        )  # fmt: skip


def with_origins(organisation: Organisation, messages: list[Message]) -> None:
    """Name each message's template, in one query for all of them."""
    ids = {message.template_version_id for message in messages}
    versions = TemplateVersion.objects.filter(organisation=organisation, pk__in=ids)
    versions = versions.select_related("template").only("template__name")
    by_id = {version.pk: version for version in versions}
    for message in messages:
        message.version = by_id.get(message.template_version_id)
        message.is_returned = message.is_final and message.state != Status.DELIVERED


def chips(filter: MessageFilter, asked: QueryDict) -> list[dict[str, Any]]:
    """Each filter in use, to take away again."""
    names = dict(STATUS_CHOICES)
    labels = []
    for field, value in asked.items():
        if field in filter.filters and value:
            said = names.get(value, value) if field == "status" else value
            said = formats.date_format(shown, "DATE_FORMAT") if (shown := day_of(filter, field)) else said
            label = filter.filters[field].label
            is_id = field in ("campaign", "template", "key")
            labels.append((field, label if is_id else f"{label}: {said}"))
    return [{"label": label, "url": "?" + without(asked, field).urlencode(), "on": True} for field, label in labels]


def day_of(filter: MessageFilter, field: str):
    return filter.form.cleaned_data.get(field) if field in ("since", "until") and filter.is_valid() else None


def without(asked: QueryDict, field: str) -> QueryDict:
    rest = asked.copy()
    rest.pop(field, None)
    return rest


def with_cursor(asked: QueryDict, name: str, cursor: UUID | None) -> str:
    if cursor is None:
        return ""
    wanted = asked.copy()
    wanted[name] = str(cursor)
    return "?" + wanted.urlencode()


def id_from(text: str) -> UUID | None:
    """A cursor; nonsense counts as none."""
    try:
        return UUID(text)
    except ValueError:
        return None
