"""Templates: the list, one template with its versions, and the editor."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import FormView, TemplateView
from django_tables2 import SingleTableMixin

from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin
from billing.pricing.models import Category
from kit.errors import DomainError

from .. import actions, queries
from ..errors import DraftExists
from ..forcing import replaced
from ..forms import VARIABLE_TYPES, TemplateForm, rows_from
from ..live import Reading
from ..models import MessageTemplate, TemplateVersion
from ..tables import TemplateTable
from ..timelines import history_of, pictures_of
from ..timing import review_time
from ..wording import described, fingerprint_of


class TemplatesView(OrganisationMixin, SingleTableMixin, TemplateView):
    """All templates in use, each with how its latest version stands and why it was sent back."""

    permission = Permission.VIEW_CONTENT
    template_name = "content/templates.html"
    table_class = TemplateTable
    table_pagination = {"per_page": 25}  # noqa: RUF012

    def get_table_data(self):
        rows = queries.templates_of(self.organisation)
        if words := self.request.GET.get("q", "").replace("\x00", "").strip():
            rows = rows.filter(name__icontains=words)
        if (category := self.request.GET.get("category", "")) in Category.values:
            rows = rows.filter(category=category)
        return rows

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        asked = self.request.GET
        filtered = bool(asked.get("q") or asked.get("category"))
        return super().get_context_data(filtered=filtered, categories=Category.choices, **kwargs)


class TemplateDetailView(OrganisationMixin, TemplateView):
    """One template: what is sent today, every version, what happened to it."""

    permission = Permission.VIEW_CONTENT
    template_name = "content/template.html"

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        template = queries.template_with_versions(self.organisation, self.kwargs["id"])
        versions = list(template.versions.all())
        shown = template.live or template.latest
        return super().get_context_data(
            template=template,
            pictures=pictures_of(versions),
            shown=shown,
            reading=Reading(shown.body, template.category, shown.variables),
            history=history_of(template, versions),
            **kwargs,
        )


class NewVersionView(OrganisationMixin, View):
    """Start a draft from the latest text, or go to the draft there is."""

    permission = Permission.MANAGE_CONTENT
    http_method_names = ["post"]

    def post(self, request: HttpRequest, id) -> HttpResponse:
        template = queries.template_of(self.organisation, id)
        try:
            version_id = actions.new_version(template=template, author=request.user).pk
        except DraftExists as refusal:
            version_id = refusal.details["version_id"]
        return HttpResponseRedirect(reverse("messaging:draft", args=[version_id]))


class ArchiveTemplateView(OrganisationMixin, View):
    """Take a template out of use."""

    permission = Permission.MANAGE_CONTENT
    http_method_names = ["post"]

    def post(self, request: HttpRequest, id) -> HttpResponse:
        template = queries.template_of(self.organisation, id)
        actions.archive_template(template=template, by=request.user)
        messages.success(request, _("%(name)s is archived and can't be sent any more.") % {"name": template})
        return HttpResponseRedirect(reverse("messaging:templates"))


class EditorView(OrganisationMixin, FormView):
    """Writing a draft: save it, submit it, or (without scripts) have it counted and its characters replaced."""

    permission = Permission.MANAGE_CONTENT
    template_name = "content/editor.html"
    form_class = TemplateForm
    version: TemplateVersion | None = None

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"organisation": self.organisation, **super().get_form_kwargs()}

    def get_initial(self) -> dict[str, Any]:
        return {"sender": queries.approved_senders_of(self.organisation).first()}

    @cached_property
    def body(self) -> str:
        """The text as it stands in the editor."""
        if self.request.method == "POST":
            return typed_body(self.request)
        return self.version.body if self.version else ""

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The variables of that text, those not described yet included."""
        stored = self.version.variables if self.version else ()
        return described(self.body, rows_from(self.request.POST) if self.request.method == "POST" else stored)

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        act = request.POST.get("action")
        return self.show_again(act) if act in ("check", "replace") else super().post(request, *args, **kwargs)

    def show_again(self, act: str) -> HttpResponse:
        """The same page, nothing saved and nothing refused; with typed characters where that was asked for."""
        if act == "replace":
            self.body = replaced(self.body)
        typed = self.request.POST.dict() | {"body": self.body}
        form = TemplateForm(initial=typed, organisation=self.organisation)
        return self.render_to_response(self.get_context_data(form=form))

    def form_valid(self, form: TemplateForm) -> HttpResponse:
        submits = self.request.POST.get("action") == "submit"
        try:
            with transaction.atomic():
                version = self.save(form.cleaned_data)
                if submits:
                    actions.submit_version(version=version, by=self.request.user)
        except DomainError as refusal:
            form.take(refusal)
            return self.form_invalid(form)
        if submits:
            messages.success(self.request, _("Submitted. A reviewer decides within %(time)s.") % {
                "time": review_time(version.template.category)
            })  # fmt: skip
            return HttpResponseRedirect(reverse("messaging:template", args=[version.template_id]))
        messages.success(self.request, _("Draft saved."))
        return HttpResponseRedirect(reverse("messaging:draft", args=[version.pk]))

    def form_invalid(self, form: TemplateForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def save(self, fields: dict[str, Any]) -> TemplateVersion:
        """Keep what was typed.  Raises DomainError."""
        raise NotImplementedError

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        context = super().get_context_data(version=self.version, **kwargs)
        form = context["form"]
        reading = Reading(self.body, form["category"].value() or "", self.rows, self.sender_of(form))
        return context | live_context(reading, form.variable_problems)

    def sender_of(self, form: TemplateForm):
        chosen = form["sender"].value()
        choices = form.fields["sender"].queryset
        return next((one for one in choices if str(one.pk) == str(getattr(chosen, "pk", chosen))), None)


class NewTemplateView(EditorView):
    def save(self, fields: dict[str, Any]) -> TemplateVersion:
        return actions.create_template(
            organisation=self.organisation,
            name=fields["name"],
            category=fields["category"],
            body=fields["body"],
            variables=self.rows,
            author=self.request.user,
        )


class DraftView(EditorView):
    """A draft's editor.  What was submitted is shown on its template's page instead."""

    @cached_property
    def version(self) -> TemplateVersion:
        return queries.version_of(self.organisation, self.kwargs["id"])

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if not self.version.is_draft:
            return HttpResponseRedirect(reverse("messaging:template", args=[self.version.template_id]))
        return super().get(request, *args, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        template: MessageTemplate = self.version.template
        return super().get_initial() | {
            "name": template.name,
            "category": template.category,
            "body": self.version.body,
            "seen": fingerprint_of(self.version),
        }

    def save(self, fields: dict[str, Any]) -> TemplateVersion:
        return actions.edit_draft(
            version=self.version,
            body=fields["body"],
            variables=self.rows,
            name=fields["name"],
            category=fields["category"],
            seen=fields["seen"],
            by=self.request.user,
        )


class CountView(OrganisationMixin, View):
    """What the editor says about a text being written: a fragment, or JSON for whoever accepts only that."""

    permission = Permission.VIEW_CONTENT
    allowed_when_stopped = True
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        body, typed = typed_body(request), rows_from(request.POST)
        rows = described(body, typed)
        senders = queries.approved_senders_of(self.organisation)
        chosen = request.POST.get("sender", "")
        sender = next((one for one in senders if str(one.pk) == chosen), None) if chosen else None
        reading = Reading(body, request.POST.get("category", ""), rows, sender)
        if request.headers.get("Accept") == "application/json":
            return JsonResponse(reading.as_data())
        same_rows = [row["name"] for row in rows] == [row["name"] for row in typed]
        return render(request, "content/_count.html", live_context(reading) | {"same_rows": same_rows})


def typed_body(request: HttpRequest) -> str:
    return request.POST.get("body", "").replace("\r\n", "\n").strip()


def live_context(reading: Reading, problems: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """What the editor's fragments show."""
    rows = [{**row, "problems": (problems or {}).get(row["name"], ())} for row in reading.variables]
    return {
        "reading": reading,
        "rows": rows,
        "variable_types": VARIABLE_TYPES,
        "review_time": review_time(reading.category),
    }
