from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView
from django_tables2 import SingleTableMixin

from accounts import actions, queries
from accounts.forms import InviteForm, RoleForm
from accounts.mail import send_invitation
from accounts.models import Invitation, Membership
from accounts.rules.permissions import Permission
from accounts.tables import MemberTable
from accounts.views_support import OrganisationMixin
from kit.errors import DomainError

from .confirm import ConfirmView


class TeamView(OrganisationMixin, SingleTableMixin, TemplateView):
    permission = Permission.VIEW_TEAM
    template_name = "accounts/team.html"
    table_class = MemberTable
    table_pagination = {"per_page": 50}

    def get_table_data(self):
        return queries.team_of(self.organisation)

    def get_table_kwargs(self) -> dict:
        return {"me": self.membership, "can_change": self.may(Permission.MANAGE_TEAM)}

    def get_context_data(self, **kwargs) -> dict:
        invitations = queries.open_invitations_of(self.organisation)
        return super().get_context_data(invitations=invitations, **kwargs)


class InviteView(OrganisationMixin, FormView):
    permission = Permission.MANAGE_TEAM
    template_name = "accounts/invite.html"
    form_class = InviteForm
    success_url = reverse_lazy("accounts:team")

    def get_form_kwargs(self) -> dict:
        return {"giver": self.membership, **super().get_form_kwargs()}

    def form_valid(self, form: InviteForm) -> HttpResponse:
        try:
            invitation, token = actions.invite_member(
                organisation=self.organisation, by=self.request.user, **form.cleaned_data
            )
        except DomainError as refusal:
            form.add_error("email", str(refusal))
            return self.form_invalid(form)
        link = self.request.build_absolute_uri(reverse("accounts:invitation", args=[token]))
        transaction.on_commit(partial(send_invitation, invitation, link=link), robust=True)
        messages.success(self.request, _("The invitation is on its way to %(email)s.") % {"email": invitation.email})
        return super().form_valid(form)


class MemberView(OrganisationMixin, FormView):
    """One member: change the role."""

    permission = Permission.MANAGE_TEAM
    template_name = "accounts/member.html"
    form_class = RoleForm
    success_url = reverse_lazy("accounts:team")

    @property
    def member(self) -> Membership:
        return queries.member_of(self.organisation, self.kwargs["id"])

    def get_initial(self) -> dict:
        return {"role": self.member.role}

    def get_form_kwargs(self) -> dict:
        return {"giver": self.membership, **super().get_form_kwargs()}

    def form_valid(self, form: RoleForm) -> HttpResponse:
        try:
            changed = actions.change_role(membership=self.member, role=form.cleaned_data["role"], by=self.request.user)
        except DomainError as refusal:
            form.add_error("role", str(refusal))
            return self.form_invalid(form)
        text = _("%(name)s is now %(role)s.") % {"name": changed.user, "role": changed.get_role_display()}
        messages.success(self.request, text)
        return super().form_valid(form)

    def get_context_data(self, **kwargs) -> dict:
        return super().get_context_data(member=self.member, **kwargs)


class RemoveMemberView(ConfirmView):
    permission = Permission.MANAGE_TEAM
    back_to = "accounts:team"

    def find(self, id) -> Membership:
        return queries.member_of(self.organisation, id)

    def question(self, target: Membership) -> dict:
        return {
            "title": _("Remove %(name)s from the team?") % {"name": target.user},
            "text": _("They can no longer open this organisation. API keys they made keep working."),
            "button": _("Remove"),
        }

    def do(self, target: Membership) -> str:
        name = str(target.user)
        actions.remove_member(membership=target, by=self.request.user)
        return _("%(name)s is no longer in the team.") % {"name": name}


class RevokeInvitationView(ConfirmView):
    permission = Permission.MANAGE_TEAM
    back_to = "accounts:team"

    def find(self, id) -> Invitation:
        return queries.invitation_of(self.organisation, id)

    def question(self, target: Invitation) -> dict:
        return {
            "title": _("Withdraw the invitation to %(email)s?") % {"email": target.email},
            "text": _("The link in the e-mail stops working."),
            "button": _("Withdraw"),
        }

    def do(self, target: Invitation) -> str:
        actions.revoke_invitation(invitation=target, by=self.request.user)
        return _("The invitation to %(email)s was withdrawn.") % {"email": target.email}


class LeaveView(ConfirmView):
    """Leave the team oneself: everybody may, the last owner can't."""

    permission = Permission.VIEW_HOME
    back_to = "site:home"
    allowed_when_stopped = True

    def find(self) -> Membership:
        return self.membership

    def question(self, target: Membership) -> dict:
        return {
            "title": _("Leave %(organisation)s?") % {"organisation": self.organisation},
            "text": _("You can come back only when somebody invites you again."),
            "button": _("Leave"),
        }

    def do(self, target: Membership) -> str:
        actions.remove_member(membership=target, by=self.request.user)
        return _("You have left %(organisation)s.") % {"organisation": self.organisation}
