"""Senders: the list, a new one, one with its history."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView
from django_tables2 import SingleTableMixin

from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin
from kit.errors import DomainError

from .. import actions, queries
from ..actions.reviews import SENDER_DUE_IN
from ..forms import PurposeForm, SenderForm, take
from ..models import ReviewStatus, SenderId
from ..tables import SenderTable
from ..timelines import history_of_sender
from ..timing import promise


class SendersView(OrganisationMixin, SingleTableMixin, TemplateView):
    permission = Permission.VIEW_CONTENT
    template_name = "content/senders.html"
    table_class = SenderTable
    table_pagination = {"per_page": 25}  # noqa: RUF012

    def get_table_data(self):
        return queries.senders_of(self.organisation)


class NewSenderView(OrganisationMixin, FormView):
    permission = Permission.MANAGE_CONTENT
    template_name = "content/sender_new.html"
    form_class = SenderForm

    def form_valid(self, form: SenderForm) -> HttpResponse:
        submits = self.request.POST.get("action") == "submit"
        try:
            with transaction.atomic():
                sender = actions.create_sender(
                    organisation=self.organisation, author=self.request.user, **form.cleaned_data
                )
                if submits:
                    actions.submit_sender(sender=sender, by=self.request.user)
        except DomainError as refusal:
            take(form, refusal)
            return self.form_invalid(form)
        messages.success(self.request, submitted_text() if submits else _("Draft saved."))
        return HttpResponseRedirect(reverse("messaging:sender", args=[sender.pk]))

    def form_invalid(self, form: SenderForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


class SenderView(OrganisationMixin, FormView):
    """One sender; while it is a draft or was rejected, its purpose can be changed and it can be submitted."""

    permission = Permission.VIEW_CONTENT
    template_name = "content/sender.html"
    form_class = PurposeForm

    @cached_property
    def sender(self) -> SenderId:
        return queries.sender_of(self.organisation, self.kwargs["id"])

    def get_initial(self) -> dict[str, Any]:
        return {"purpose": self.sender.purpose}

    def post(self, request, *args, **kwargs) -> HttpResponse:
        self.permission = Permission.MANAGE_CONTENT
        self.check_permission()
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: PurposeForm) -> HttpResponse:
        submits = self.request.POST.get("action") == "submit"
        try:
            with transaction.atomic():
                actions.edit_sender(sender=self.sender, by=self.request.user, **form.cleaned_data)
                if submits:
                    actions.submit_sender(sender=self.sender, by=self.request.user)
        except DomainError as refusal:
            take(form, refusal)
            return self.form_invalid(form)
        messages.success(self.request, submitted_text() if submits else _("Draft saved."))
        return HttpResponseRedirect(reverse("messaging:sender", args=[self.sender.pk]))

    def form_invalid(self, form: PurposeForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        is_open = self.sender.status in (ReviewStatus.DRAFT, ReviewStatus.REJECTED)
        return super().get_context_data(
            sender=self.sender, is_open=is_open, history=history_of_sender(self.sender), **kwargs
        )


def submitted_text() -> str:
    return _("Submitted. A reviewer decides within %(time)s.") % {"time": promise(SENDER_DUE_IN)}
