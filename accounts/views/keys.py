from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView
from django_tables2 import SingleTableMixin

from accounts import actions, queries
from accounts.forms import ApiKeyForm
from accounts.models import ApiKey
from accounts.rules.permissions import Permission
from accounts.tables import ApiKeyTable
from accounts.views_support import OrganisationMixin
from kit.errors import DomainError
from kit.sealing import seal, unseal

from .confirm import ConfirmView

#: Session entry with the one secret that is still to be shown: sealed, and taken out when it is.
FRESH = "fresh_api_key"


class ApiKeysView(OrganisationMixin, SingleTableMixin, TemplateView):
    permission = Permission.MANAGE_API_KEYS
    template_name = "accounts/api_keys.html"
    table_class = ApiKeyTable
    table_pagination = {"per_page": 50}

    def get_table_data(self):
        return queries.api_keys_of(self.organisation)


class CreateApiKeyView(OrganisationMixin, FormView):
    permission = Permission.MANAGE_API_KEYS
    template_name = "accounts/api_key_new.html"
    form_class = ApiKeyForm

    def get_form_kwargs(self) -> dict:
        return {"maker": self.membership, **super().get_form_kwargs()}

    def form_valid(self, form: ApiKeyForm) -> HttpResponse:
        try:
            key, secret = actions.create_api_key(
                organisation=self.organisation, by=self.request.user, **form.cleaned_data
            )
        except DomainError as refusal:
            for field, problem in refusal.details.get("fields", {None: str(refusal)}).items():
                form.add_error(field, problem)
            return self.form_invalid(form)
        self.request.session[FRESH] = {"id": str(key.pk), "secret": seal(secret)}
        return HttpResponseRedirect(reverse("accounts:api_key_created", args=[key.pk]))


class ApiKeyCreatedView(OrganisationMixin, TemplateView):
    """Shows a new key's secret, once."""

    permission = Permission.MANAGE_API_KEYS
    template_name = "accounts/api_key_created.html"

    def get(self, request: HttpRequest, id: UUID) -> HttpResponse:
        key = queries.api_key_of(self.organisation, id)
        fresh = request.session.get(FRESH) or {}
        secret = ""
        if fresh.get("id") == str(key.pk):
            secret = unseal(request.session.pop(FRESH)["secret"])
        response = self.render_to_response(self.get_context_data(key=key, secret=secret, api_url=api_url(request)))
        add_never_cache_headers(response)
        return response


class RevokeApiKeyView(ConfirmView):
    permission = Permission.MANAGE_API_KEYS
    back_to = "accounts:api_keys"
    allowed_when_stopped = True

    def find(self, id: UUID) -> ApiKey:
        return queries.api_key_of(self.organisation, id)

    def question(self, target: ApiKey) -> dict:
        return {
            "title": _("Revoke the key %(name)s?") % {"name": target.name},
            "text": _("Requests with it are refused at once. This can't be undone."),
            "button": _("Revoke the key"),
        }

    def do(self, target: ApiKey) -> str:
        actions.revoke_api_key(key=target, by=self.request.user)
        return _("The key %(name)s is revoked.") % {"name": target.name}


def api_url(request: HttpRequest) -> str:
    return request.build_absolute_uri("/api/v1")
