from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView
from django_tables2 import SingleTableMixin

from accounts import actions, queries
from accounts.forms import OrganisationForm
from accounts.rules.permissions import Permission
from accounts.tables import AuditTable
from accounts.views_support import OrganisationMixin

FIELDS = ("name", "locale", "time_zone", "country", "erase_after_days")


class SettingsView(OrganisationMixin, FormView):
    permission = Permission.MANAGE_SETTINGS
    template_name = "accounts/settings.html"
    form_class = OrganisationForm
    success_url = reverse_lazy("accounts:settings")

    def get_initial(self) -> dict:
        return {field: getattr(self.organisation, field) for field in FIELDS}

    def form_valid(self, form: OrganisationForm) -> HttpResponse:
        actions.update_organisation(organisation=self.organisation, **form.cleaned_data)
        messages.success(self.request, _("The settings are saved."))
        return super().form_valid(form)


class AuditView(OrganisationMixin, SingleTableMixin, TemplateView):
    permission = Permission.VIEW_AUDIT
    template_name = "accounts/audit.html"
    table_class = AuditTable
    table_pagination = {"per_page": 50}

    def get_table_data(self):
        return queries.audit_of(self.organisation, containing=self.wanted)

    @property
    def wanted(self) -> str:
        return self.request.GET.get("q", "").strip()[:100]

    def get_context_data(self, **kwargs) -> dict:
        return super().get_context_data(wanted=self.wanted, **kwargs)
