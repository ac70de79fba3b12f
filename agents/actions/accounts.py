from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actions import create_organisation, invite_member, resume_organisation
from accounts.models import AuditEntry, Invitation, Membership, Organisation, User
from accounts.rules.permissions import Role
from agents.errors import SuspendedAbove
from billing.pricing.models import PriceBook
from kit.errors import Invalid

from .credit import give_credit
from .prices import assign_price_list

Kind = Organisation.Kind


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account just made; `token` opens its owner's invitation and is kept nowhere."""

    organisation: Organisation
    invitation: Invitation
    token: str


@transaction.atomic
def create_sub_account(
    *,
    agent: Organisation,
    name: str,
    kind: str,
    currency: str,
    country: str,
    locale: str,
    time_zone: str,
    owner_email: str,
    by: User,
    book: PriceBook | None = None,
    opening_credit: int = 0,
) -> NewAccount:
    """Make an account directly below the agent, with its owner's invitation, its prices and its first credit, or nothing.

    Without a price list it buys by the agent's default one.  Runs in the agent's downline scope.  Raises Invalid
    naming the field, NotYourBuyer, and what giving credit raises.
    """
    if kind not in (Kind.AGENT, Kind.CUSTOMER):
        raise Invalid(fields={"kind": _("An account is a reseller or a customer.")})
    account = create_organisation(
        name=name,
        parent=agent,
        kind=kind,
        locale=locale,
        time_zone=time_zone,
        currency=currency,
        country=country,
        status=Organisation.Status.ACTIVE,
    )
    invitation, token = invite_member(organisation=account, email=owner_email, role=Role.OWNER, by=by)
    if book is not None:
        assign_price_list(agent=agent, account=account, book=book)
    if opening_credit:
        give_credit(agent=agent, account=account, amount=opening_credit, by=by, reference=f"opening:{account.pk}")
    return NewAccount(account, invitation, token)


@transaction.atomic
def resume_account(*, agent: Organisation, account: Organisation, by: User, reason: str) -> None:
    """Let an account below work again.  Raises SuspendedAbove when somebody above the agent had stopped it.

    Runs in the agent's downline scope.
    """
    if agent.kind != Kind.OPERATOR and not _suspended_by_us(agent, account):
        raise SuspendedAbove
    resume_organisation(organisation=account, by=by, reason=reason)


def _suspended_by_us(agent: Organisation, account: Organisation) -> bool:
    """Whether the person who stopped the account works for the agent or below it: the trail says who it was."""
    stop = AuditEntry.objects.filter(organisation=account, action="organisation.suspended").order_by("-pk").first()
    return stop is not None and (
        Membership.objects.filter(user_id=stop.actor_id, organisation__path__below=agent.path).exists()
    )
