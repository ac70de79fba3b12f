"""What every console page stands on."""

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from kit.errors import NotAllowed

from .errors import OrganisationSuspended
from .models import Membership, Organisation
from .rules.permissions import Permission, roles_with

READING = ("GET", "HEAD", "OPTIONS")


class OrganisationMixin:
    """A page of one organisation for members whose role has `permission`.

    Gives `self.organisation` and `self.membership`.  Nobody signed in: to the sign-in page.  No team: a page that
    says so.  A role without the permission: 403, naming who can grant it.  A kind of organisation that has no such
    page: 404.  A stopped organisation is read-only.
    """

    permission: Permission
    #: Set on pages that work also while the organisation is stopped.
    allowed_when_stopped = False

    organisation: Organisation
    membership: Membership

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if request.organisation is None:
            return render(request, "accounts/no_organisation.html", status=403)
        self.organisation, self.membership = request.organisation, request.membership
        self.check_permission()
        if self.organisation.is_stopped and request.method not in READING and not self.allowed_when_stopped:
            raise OrganisationSuspended
        return super().dispatch(request, *args, **kwargs)

    def check_permission(self) -> None:
        if self.may(self.permission):
            return
        roles = roles_with(self.permission, kind=self.organisation.kind)
        if not roles:
            raise Http404
        raise NotAllowed(permission=self.permission, roles=roles)

    def may(self, permission: Permission) -> bool:
        return self.membership.may(permission)

    def get_context_data(self, **kwargs):
        return super().get_context_data(may=self.membership.permission_names, **kwargs)


class SignedInMixin:
    """A page about the person, whatever organisation they look at, if any."""

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return super().dispatch(request, *args, **kwargs)
