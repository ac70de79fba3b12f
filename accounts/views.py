from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from kit.errors import NotFound

from .middleware import SESSION_KEY
from .queries import memberships_of
from .views_support import SignedInMixin


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
