from django.views.generic import TemplateView

from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin


class HomeView(OrganisationMixin, TemplateView):
    permission = Permission.VIEW_HOME
    template_name = "site/home.html"
