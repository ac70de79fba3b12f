from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import FormView
from django.views.i18n import set_language

from accounts import actions
from accounts.forms import ProfileForm
from accounts.middleware import SESSION_KEY
from accounts.queries import memberships_of
from accounts.views_support import SignedInMixin
from kit.errors import NotFound


class SwitchView(SignedInMixin, View):
    """Look at another organisation the person belongs to."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        wanted = request.POST.get("organisation", "")
        if wanted not in {str(one.organisation_id) for one in memberships_of(request.user)}:
            raise NotFound
        request.session[SESSION_KEY] = wanted
        onward = request.POST.get("next", "")
        if not url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure()):
            onward = reverse("site:home")
        return HttpResponseRedirect(onward)


def switch_language(request: HttpRequest) -> HttpResponse:
    """Django's own switch, which this browser remembers; a person who is signed in keeps the choice everywhere."""
    chosen = request.POST.get("language", "")
    if request.user.is_authenticated and chosen in dict(settings.LANGUAGES):
        actions.update_profile(user=request.user, name=request.user.name, locale=chosen)
    return set_language(request)


class ProfileView(SignedInMixin, FormView):
    template_name = "accounts/profile.html"
    form_class = ProfileForm
    success_url = reverse_lazy("accounts:profile")

    def get_initial(self) -> dict:
        return {"name": self.request.user.name, "locale": self.request.user.locale}

    def form_valid(self, form: ProfileForm) -> HttpResponse:
        actions.update_profile(user=self.request.user, **form.cleaned_data)
        with translation.override(form.cleaned_data["locale"]):
            messages.success(self.request, _("Your profile is saved."))
        response = super().form_valid(form)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, form.cleaned_data["locale"],
            max_age=settings.LANGUAGE_COOKIE_AGE, samesite="Lax", secure=self.request.is_secure(),
        )  # fmt: skip
        return response
