from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit import record
from accounts.errors import AlreadyMember, InvitationForSomebodyElse, InvitationUnusable, LastOwner, RoleNotYours
from accounts.models import Invitation, Membership, Organisation, User
from accounts.queries import invitation_by_token
from accounts.rules.permissions import Permission, Role, may_grant
from kit.errors import NotAllowed
from kit.sealing import fingerprint, new_token

INVITATION_LASTS = timedelta(days=7)


@transaction.atomic
def invite_member(*, organisation: Organisation, email: str, role: Role, by: User) -> tuple[Invitation, str]:
    """Offer a role to an e-mail address; returns the offer and the token of its link, which nobody keeps.

    An earlier open offer to the same address is withdrawn.  `by` is a member who may give that role, or somebody
    above who manages accounts.  Raises AlreadyMember, RoleNotYours.
    """
    _require_grant(organisation, by=by, role=role)
    email = User.objects.normalize_email(email).lower()
    if Membership.objects.filter(organisation=organisation, user__email__iexact=email).exists():
        raise AlreadyMember
    Invitation.objects.filter(organisation=organisation, email=email, accepted_at=None, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    token = new_token()
    invitation = Invitation.objects.create(
        organisation=organisation,
        email=email,
        role=role,
        token_fingerprint=fingerprint(token),
        invited_by=by,
        expires_at=timezone.now() + INVITATION_LASTS,
    )
    record(action="invitation.sent", target=invitation, organisation=organisation, after={"email": email, "role": role})
    return invitation, token


@transaction.atomic
def accept_invitation(*, token: str, user: User) -> Membership:
    """Make the person a member in the role they were offered; the link works once.

    Raises InvitationUnusable, InvitationForSomebodyElse (the offer is to another address), AlreadyMember.
    """
    invitation = invitation_by_token(token)
    if invitation.email != user.email.lower():
        raise InvitationForSomebodyElse
    organisation = invitation.organisation
    with organisation.scope():
        taken = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None).update(
            accepted_at=timezone.now()
        )
        if not taken:
            raise InvitationUnusable
        membership = _join(organisation, user, invitation.role)
        record(
            action="member.joined", target=membership, organisation=organisation,
            after={"email": user.email, "role": invitation.role},
        )  # fmt: skip
    return membership


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, by: User) -> None:
    """Withdraw an offer: its link stops working.  One that was accepted stays accepted."""
    _require_grant(invitation.organisation, by=by, role=invitation.role)
    withdrawn = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    if withdrawn:
        record(
            action="invitation.revoked", target=invitation, organisation=invitation.organisation,
            before={"email": invitation.email, "role": invitation.role},
        )  # fmt: skip


@transaction.atomic
def change_role(*, membership: Membership, role: Role, by: User) -> Membership:
    """Give a member another role.  Raises LastOwner, RoleNotYours."""
    locked = _locked(membership)
    _require_grant(locked.organisation, by=by, role=locked.role)
    _require_grant(locked.organisation, by=by, role=role)
    if locked.role == role:
        return locked
    if locked.role == Role.OWNER:
        _keep_an_owner(locked)
    before, locked.role = locked.role, role
    locked.save(update_fields=["role"])
    record(
        action="member.role_changed", target=locked, organisation=locked.organisation,
        before={"role": before}, after={"role": role, "email": locked.user.email},
    )  # fmt: skip
    return locked


@transaction.atomic
def remove_member(*, membership: Membership, by: User) -> None:
    """Take a person out of the team (also oneself).  Raises LastOwner, RoleNotYours."""
    locked = _locked(membership)
    if locked.user_id != by.pk:
        _require_grant(locked.organisation, by=by, role=locked.role)
    if locked.role == Role.OWNER:
        _keep_an_owner(locked)
    record(
        action="member.removed", target=locked, organisation=locked.organisation,
        before={"role": locked.role, "email": locked.user.email},
    )  # fmt: skip
    locked.delete()


def _join(organisation: Organisation, user: User, role: Role) -> Membership:
    try:
        with transaction.atomic():
            return Membership.objects.create(organisation=organisation, user=user, role=role)
    except IntegrityError as error:
        raise AlreadyMember from error


def _locked(membership: Membership) -> Membership:
    """The membership as it is now.  All owners are locked with it: two of them leaving at once must take turns."""
    rows = Membership.objects.filter(organisation_id=membership.organisation_id)
    list(rows.filter(role=Role.OWNER).select_for_update().order_by("pk"))
    return rows.select_for_update(of=("self",)).select_related("organisation", "user").get(pk=membership.pk)


def _keep_an_owner(leaving: Membership) -> None:
    others = Membership.objects.filter(organisation_id=leaving.organisation_id, role=Role.OWNER, user__is_active=True)
    if not others.exclude(pk=leaving.pk).exists():
        raise LastOwner


def _require_grant(organisation: Organisation, *, by: User, role: str) -> None:
    """`by` must be a member whose own role covers `role`, or manage the accounts of an organisation above."""
    own = Membership.objects.filter(organisation=organisation, user=by).select_related("organisation").first()
    if own is not None:
        if not own.may(Permission.MANAGE_TEAM):
            raise NotAllowed
        if not may_grant(own.role, role, kind=organisation.kind):
            raise RoleNotYours
        return
    above = Membership.objects.filter(user=by, organisation__path__above=organisation.path)
    if not any(one.may(Permission.MANAGE_ACCOUNTS) for one in above.select_related("organisation")):
        raise NotAllowed
