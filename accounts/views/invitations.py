from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views import View

from accounts import actions, queries
from accounts.errors import InvitationForSomebodyElse, InvitationUnusable
from accounts.forms import JoinForm
from accounts.middleware import SESSION_KEY
from accounts.models import Invitation, Membership

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class InvitationView(View):
    """The link in an invitation: whoever is signed in joins, somebody known signs in, somebody new makes a password."""

    template_name = "accounts/invitation.html"

    def dispatch(self, request: HttpRequest, *args, token: str, **kwargs) -> HttpResponse:
        self.token = token
        try:
            self.invitation = queries.invitation_by_token(token)
            response = super().dispatch(request, *args, **kwargs)
        except InvitationUnusable as refusal:
            response = render(request, "accounts/invitation_unusable.html", {"error": refusal}, status=refusal.status)
        add_never_cache_headers(response)
        response.headers["Referrer-Policy"] = "no-referrer"  # the token is in this page's address
        return response

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(JoinForm(email=self.invitation.email))

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            return self.join(request)
        if queries.is_known(self.invitation.email):
            return self.page(JoinForm(email=self.invitation.email))
        return self.sign_up(request)

    def join(self, request: HttpRequest) -> HttpResponse:
        try:
            membership = actions.accept_invitation(token=self.token, user=request.user)
        except InvitationForSomebodyElse as refusal:
            messages.error(request, refusal.message)
            return self.page(JoinForm(email=self.invitation.email), status=refusal.status)
        return self.welcome(membership)

    def sign_up(self, request: HttpRequest) -> HttpResponse:
        form = JoinForm(request.POST, email=self.invitation.email)
        if not form.is_valid():
            return self.page(form)
        membership = actions.sign_up_invited(
            token=self.token,
            name=form.cleaned_data["name"],
            password=form.cleaned_data["password"],
            locale=get_language(),
        )
        login(request, membership.user, backend=BACKEND)
        return self.welcome(membership)

    def welcome(self, membership: Membership) -> HttpResponse:
        self.request.session[SESSION_KEY] = str(membership.organisation_id)
        messages.success(self.request, _("You are now in the team of %(name)s.") % {"name": membership.organisation})
        return HttpResponseRedirect(reverse("site:home"))

    def page(self, form: JoinForm, *, status: int = 200) -> HttpResponse:
        invitation: Invitation = self.invitation
        return render(
            self.request,
            self.template_name,
            {
                "invitation": invitation,
                "form": form,
                "is_for_me": self.request.user.is_authenticated and self.request.user.email == invitation.email,
                "is_known": queries.is_known(invitation.email),
            },
            status=status,
        )
