"""Reads of this room.  Each runs inside the scope its caller has entered."""

from functools import reduce
from operator import or_
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from kit import tenancy
from kit.errors import NotFound
from kit.queries import one_of
from kit.sealing import fingerprint

from .errors import InvitationUnusable
from .models import ApiKey, AuditEntry, Brand, Invitation, Membership, Organisation, User


def operator_id() -> UUID:
    """The house's own organisation.  Raises NotFound in a house without one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT house_operator()")
        (found,) = cursor.fetchone()
    if found is None:
        raise NotFound
    return found


def operator() -> Organisation:
    return organisation_by_id(operator_id())


def organisation_by_id(id: UUID) -> Organisation:
    """An organisation whose id we hold from a source we trust (our own settings, a key, an invitation), in any scope."""
    with tenancy.as_visitor(memberships=(id,)):
        return Organisation.objects.get(pk=id)


def seller_at(host: str) -> Organisation:
    """Whose customers sign up under this host name: the agent whose brand it is, else the operator."""
    name = host.rsplit(":", 1)[0].lower()
    brand = Brand.objects.filter(host=name).only("organisation_id").first()
    return organisation_by_id(brand.organisation_id) if brand else operator()


def memberships_of(user: User) -> QuerySet[Membership]:
    """A person's memberships, oldest first; needs a scope that names the person."""
    return Membership.objects.filter(user=user).order_by("pk")


def downline_of(organisation: Organisation) -> QuerySet[Organisation]:
    """Everything below, itself not included; to be read inside `organisation.downline_scope()`."""
    return Organisation.objects.filter(path__below=organisation.path).exclude(pk=organisation.pk)


def in_downline(organisation: Organisation, id: UUID) -> Organisation:
    """One organisation below this one.  Raises NotFound for anybody else's."""
    return one_of(downline_of(organisation), pk=id)


def upline_of(organisation: Organisation) -> list[Organisation]:
    """Everybody above, the parent first."""
    with tenancy.with_upline(organisation.pk, path=organisation.path):
        above = Organisation.objects.filter(path__above=organisation.path).exclude(pk=organisation.pk)
        return sorted(above, key=lambda one: len(one.path), reverse=True)


def members_of(organisation: Organisation) -> QuerySet[Membership]:
    return Membership.objects.filter(organisation=organisation).select_related("user", "organisation").order_by("pk")


def team_of(organisation: Organisation) -> QuerySet[Membership]:
    """Members with `has_two_steps`: whether they sign in with a second factor."""
    second_factor = Authenticator.objects.filter(user=OuterRef("user"), type=Authenticator.Type.TOTP)
    return members_of(organisation).annotate(has_two_steps=Exists(second_factor))


def is_known(email: str) -> bool:
    """Whether somebody signs in with this address.  Only for whoever has proven that it is theirs."""
    return User.objects.filter(email=email).exists()


def member_of(organisation: Organisation, id: UUID) -> Membership:
    return one_of(members_of(organisation), pk=id)


def open_invitations_of(organisation: Organisation) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        organisation=organisation, accepted_at=None, revoked_at=None, expires_at__gt=timezone.now()
    ).order_by("pk")


def invitation_of(organisation: Organisation, id: UUID) -> Invitation:
    return one_of(open_invitations_of(organisation), pk=id)


def invitation_by_token(token: str) -> Invitation:
    """The open invitation behind a link, its organisation loaded, in any scope.  Raises InvitationUnusable."""
    mark = fingerprint(token)
    with tenancy.as_visitor(presented=mark):
        invitation = Invitation.objects.filter(token_fingerprint=mark).first()
    if invitation is None or invitation.accepted_at or invitation.revoked_at or invitation.expires_at <= timezone.now():
        raise InvitationUnusable
    invitation.organisation = organisation_by_id(invitation.organisation_id)
    return invitation


def sessions_of(user: User) -> QuerySet[UserSession]:
    """The sessions a person was seen in, oldest first, each with what is `stored` of it; None when it has ended."""
    alive = Session.objects.filter(pk=OuterRef("session_key"), expire_date__gt=timezone.now())
    listed = UserSession.objects.filter(user=user).annotate(stored=Subquery(alive.values("session_data")))
    return listed.order_by("created_at", "pk")


def api_keys_of(organisation: Organisation) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(organisation=organisation).select_related("created_by").order_by("-pk")


def api_key_of(organisation: Organisation, id: UUID) -> ApiKey:
    return one_of(api_keys_of(organisation), pk=id)


def audit_of(organisation: Organisation, *, containing: str = "") -> QuerySet[AuditEntry]:
    """The trail, newest first; only lines whose actor, action or target contains the text, when there is one."""
    trail = AuditEntry.objects.filter(organisation=organisation).order_by("-pk")
    if containing:
        fields = ("actor_label", "action", "target_id", "target_type")
        trail = trail.filter(
            reduce(or_, (Q(**{f"{field}__icontains": containing.replace(chr(0), "")}) for field in fields))
        )
    return trail
