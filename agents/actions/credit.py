"""Credit between an agent and the accounts below it."""

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Organisation, User
from agents.errors import NothingToTakeBack, NotYourCustomer
from billing.ledger.actions import accounts_of, transfer, transfer_credit
from billing.ledger.errors import CurrencyMismatch
from billing.ledger.models import Account, Reason, Transfer
from kit.errors import Invalid
from kit.money import Micros, units

Kind = Account.Kind


@transaction.atomic
def give_credit(*, agent: Organisation, account: Organisation, amount: int, by: User, reference: str) -> Transfer:
    """Move credit from the agent's wallet to that of an account below; the operator's comes from its promotion pot.

    The same reference again gives nothing more.  Runs in the agent's downline scope.  Raises NotBelow,
    CurrencyMismatch, InsufficientBalance, and Invalid for an amount that moves nothing.
    """
    _check_amount(amount)
    source, target = _pots(agent, account)
    key = f"credit:{agent.pk}:{reference}"
    before = _posted(key, source, target)
    if agent.kind == Organisation.Kind.OPERATOR:
        given = transfer(
            source=source, target=target, amount=Micros(amount), reason=Reason.CREDIT, reference=key,
            subject=f"user:{by.pk}",
        )  # fmt: skip
    else:
        given = transfer_credit(
            source_organisation=agent, target_organisation=account, amount=Micros(amount), by=by, reference=reference
        )
    if not before:
        _record("credit.given", agent, account, amount)
    return given


@transaction.atomic
def take_credit(*, agent: Organisation, account: Organisation, amount: int, by: User, reference: str) -> Transfer:
    """Take back credit the agent gave to an account directly below and that is still in its wallet.

    Never what the account paid in itself, and never into its credit line.  The same reference again takes nothing
    more.  Runs in the agent's downline scope.  Raises NotYourCustomer, NothingToTakeBack, CurrencyMismatch.
    """
    _check_amount(amount)
    if account.parent_id != agent.pk:
        raise NotYourCustomer
    target, source = _pots(agent, account)
    key = f"credit_back:{agent.pk}:{reference}"
    if not _posted(key, source, target):
        available = _returnable(target, source)
        if amount > available:
            raise NothingToTakeBack(available=available, currency=source.currency)
        _record("credit.taken", agent, account, amount)
    return transfer(
        source=source, target=target, amount=Micros(amount), reason=Reason.CREDIT, reference=key,
        subject=f"user:{by.pk}",
    )  # fmt: skip


def returnable_credit(*, agent: Organisation, account: Organisation) -> Micros:
    """How much the agent could take back now."""
    if account.parent_id != agent.pk or account.currency != agent.currency:
        return Micros(0)
    return _returnable(*_pots(agent, account))


def _check_amount(amount: int) -> None:
    if amount <= 0:
        raise Invalid(fields={"amount": _("Enter an amount above zero.")})


def _pots(agent: Organisation, account: Organisation) -> tuple[Account, Account]:
    """Where the agent's credit comes from, and the account's wallet."""
    if agent.currency != account.currency:
        raise CurrencyMismatch
    kind = Kind.PROMOTION if agent.kind == Organisation.Kind.OPERATOR else Kind.WALLET
    ours, theirs = (agent.pk, kind, agent.currency), (account.pk, Kind.WALLET, account.currency)
    pots = accounts_of([ours, theirs])
    return pots[ours], pots[theirs]


def _posted(key: str, *pots: Account) -> bool:
    """Whether this was done before.  Asked with the pots locked, as the ledger locks them, so that nothing slips between."""
    list(
        Account.objects.filter(pk__in=[pot.pk for pot in pots], has_floor=True)
        .select_for_update(no_key=True)
        .order_by("pk")
    )
    for pot in pots:
        pot.refresh_from_db()
    return Transfer.objects.filter(reference=key).exists()


def _returnable(ours: Account, wallet: Account) -> Micros:
    given = _sum(Transfer.objects.filter(source=ours, target=wallet, reason=Reason.CREDIT))
    taken = _sum(Transfer.objects.filter(source=wallet, target=ours, reason=Reason.CREDIT))
    return Micros(max(0, min(wallet.balance, given - taken)))


def _sum(transfers) -> int:
    return transfers.aggregate(total=Sum("amount"))["total"] or 0


def _record(action: str, agent: Organisation, account: Organisation, amount: int) -> None:
    """One line in each trail: money changed hands between two tenants."""
    facts = {"amount": str(units(amount)), "currency": account.currency, "from_or_to": agent.name}
    record(action=action, target=account, organisation=account, after=facts)
    record(action=action, target=account, organisation=agent, after={**facts, "from_or_to": account.name})
