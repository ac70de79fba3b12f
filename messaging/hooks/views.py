"""Webhooks: the list, a new one, one with its recent events, and what can be done with it."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import FormView, TemplateView, View
from django_tables2 import SingleTableMixin

from accounts.rules.permissions import Permission
from accounts.views.confirm import ConfirmView
from accounts.views_support import OrganisationMixin
from kit.errors import DomainError
from kit.ids import id_in
from kit.sealing import seal, unseal

from . import actions, queries
from .forms import WebhookForm
from .models import WebhookDelivery, WebhookEndpoint
from .tables import WebhookTable

#: Session entry with the one secret that is still to be shown: sealed, and taken out when it is.
FRESH = "fresh_webhook"
EVENTS_A_PAGE = 25


class WebhooksView(OrganisationMixin, SingleTableMixin, TemplateView):
    permission = Permission.MANAGE_WEBHOOKS
    template_name = "hooks/webhooks.html"
    table_class = WebhookTable
    table_pagination = False

    def get_table_data(self):
        return queries.endpoints_of(self.organisation)


class NewWebhookView(OrganisationMixin, FormView):
    permission = Permission.MANAGE_WEBHOOKS
    template_name = "hooks/webhook_new.html"
    form_class = WebhookForm

    def form_valid(self, form: WebhookForm) -> HttpResponse:
        try:
            endpoint, secret = actions.create_endpoint(
                organisation=self.organisation, by=self.request.user, **form.cleaned_data
            )
        except DomainError as refusal:
            for field, problem in refusal.details.get("fields", {None: refusal.message}).items():
                form.add_error(field, problem)
            return self.form_invalid(form)
        keep_to_show(self.request, endpoint, secret)
        return to(endpoint)

    def form_invalid(self, form: WebhookForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


class WebhookView(OrganisationMixin, TemplateView):
    """One webhook with its events, newest first; a fresh secret is shown on it, once."""

    permission = Permission.MANAGE_WEBHOOKS
    template_name = "hooks/webhook.html"

    def get(self, request: HttpRequest, id: UUID) -> HttpResponse:
        endpoint = queries.endpoint_of(self.organisation, id)
        status, before = request.GET.get("status", ""), request.GET.get("before", "")
        events = queries.deliveries_of(endpoint)
        if status in WebhookDelivery.Status.values:
            events = events.filter(status=status)
        if cursor := id_in(before):
            events = events.filter(pk__lt=cursor)
        page = list(events[: EVENTS_A_PAGE + 1])
        context = self.get_context_data(
            endpoint=endpoint,
            events=page[:EVENTS_A_PAGE],
            choices=choices(endpoint, status),
            status=status,
            newest_url=address(endpoint, status=status) if cursor else "",
            older_url=older(endpoint, page, status),
            secret=take_to_show(request, endpoint),
        )
        response = self.render_to_response(context)
        add_never_cache_headers(response)
        return response


class WebhookActionView(OrganisationMixin, View):
    """Does one thing with one webhook, then shows it again with what is so now."""

    permission = Permission.MANAGE_WEBHOOKS
    http_method_names = ("post", "options")

    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        endpoint = queries.endpoint_of(self.organisation, id)
        messages.success(request, self.do(endpoint))
        return to(endpoint)

    def do(self, endpoint: WebhookEndpoint) -> str:
        raise NotImplementedError


class TestView(WebhookActionView):
    def do(self, endpoint: WebhookEndpoint) -> str:
        actions.send_test(endpoint=endpoint, by=self.request.user)
        return _("A test event is on its way. Reload in a moment to see the answer.")


class RotateView(WebhookActionView):
    def do(self, endpoint: WebhookEndpoint) -> str:
        secret = actions.rotate_secret(endpoint=endpoint, by=self.request.user)
        keep_to_show(self.request, endpoint, secret)
        return _("There is a new secret. For 24 hours calls are signed with both.")


class SwitchView(WebhookActionView):
    def do(self, endpoint: WebhookEndpoint) -> str:
        if self.request.POST.get("to") == "on":
            actions.switch_on(endpoint=endpoint, by=self.request.user)
            return _("The webhook is on. It hears of what happens from now on.")
        actions.switch_off(endpoint=endpoint, by=self.request.user)
        return _("The webhook is off.")


class ReplayFailedView(WebhookActionView):
    def do(self, endpoint: WebhookEndpoint) -> str:
        again = actions.replay_failed(endpoint=endpoint, by=self.request.user)
        text = ngettext("%(count)d event is sent again.", "%(count)d events are sent again.", again)
        return text % {"count": again}


class ReplayView(OrganisationMixin, View):
    permission = Permission.MANAGE_WEBHOOKS
    http_method_names = ("post", "options")

    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        delivery = queries.delivery_of(self.organisation, id)
        actions.replay(delivery=delivery, by=request.user)
        messages.success(request, _("The event is sent again."))
        return to(delivery.endpoint)


class RemoveView(ConfirmView):
    permission = Permission.MANAGE_WEBHOOKS
    back_to = "messaging:webhooks"

    def find(self, id: UUID) -> WebhookEndpoint:
        return queries.endpoint_of(self.organisation, id)

    def question(self, target: WebhookEndpoint) -> dict:
        return {
            "title": _("Remove this webhook?"),
            "text": _("%(url)s is not called any more, and its history is gone. This can't be undone.")
            % {"url": target.url},
            "button": _("Remove the webhook"),
        }

    def do(self, target: WebhookEndpoint) -> str:
        actions.remove_endpoint(endpoint=target, by=self.request.user)
        return _("The webhook is removed.")


def keep_to_show(request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> None:
    request.session[FRESH] = {"id": str(endpoint.pk), "secret": seal(secret)}


def take_to_show(request: HttpRequest, endpoint: WebhookEndpoint) -> str:
    """The secret this page is the first and last to show; empty at other times."""
    fresh = request.session.get(FRESH) or {}
    if fresh.get("id") != str(endpoint.pk):
        return ""
    return unseal(request.session.pop(FRESH)["secret"])


def to(endpoint: WebhookEndpoint) -> HttpResponseRedirect:
    return HttpResponseRedirect(address(endpoint), status=303)


def address(endpoint: WebhookEndpoint, **query: Any) -> str:
    url = reverse("messaging:webhook", args=[endpoint.pk])
    chosen = {name: value for name, value in query.items() if value}
    return f"{url}?{urlencode(chosen)}" if chosen else url


def older(endpoint: WebhookEndpoint, page: list[WebhookDelivery], status: str) -> str:
    if len(page) <= EVENTS_A_PAGE:
        return ""
    return address(endpoint, status=status, before=page[EVENTS_A_PAGE - 1].pk)


def choices(endpoint: WebhookEndpoint, chosen: str) -> list[dict[str, Any]]:
    states = [("", _("All")), *WebhookDelivery.Status.choices]
    return [
        {"label": label, "url": address(endpoint, status=value), "active": value == chosen} for value, label in states
    ]
