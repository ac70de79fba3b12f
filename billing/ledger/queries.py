"""Every read of the ledger worth a name."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Subquery, Sum, Value, When, Window
from django.db.models.functions import Coalesce

from accounts.models import Organisation
from kit.ids import uuid7_at
from kit.money import Micros

from .models import Account, Reason, Transfer


@dataclass(frozen=True, slots=True)
class Wallet:
    """An organisation's spending power.  `held` is set aside for messages on their way and no longer in `balance`."""

    account_id: UUID | None
    currency: str
    balance: Micros
    credit_line: Micros
    held: Micros

    @property
    def available(self) -> Micros:
        return Micros(self.balance + self.credit_line)


def wallet_of(organisation: Organisation) -> Wallet:
    """The wallet in the organisation's currency; an empty one when nothing was ever paid in."""
    rows = Account.objects.filter(
        organisation=organisation, currency=organisation.currency, kind__in=Account.WITH_FLOOR
    )
    pots = {pot.kind: pot for pot in rows}
    wallet, held = pots.get(Account.Kind.WALLET), pots.get(Account.Kind.HOLD)
    return Wallet(
        account_id=wallet.pk if wallet else None,
        currency=organisation.currency,
        balance=wallet.balance if wallet else 0,
        credit_line=-wallet.floor if wallet else 0,
        held=held.balance if held else 0,
    )


def balance_of(account: Account) -> Micros:
    """What has come in less what has gone out, by the transfers themselves."""
    return _sum(Transfer.objects.filter(target=account)) - _sum(Transfer.objects.filter(source=account))


def spent_since(organisation: Organisation, since: datetime) -> Micros:
    """What delivered messages cost the organisation's wallet from an instant on."""
    return _sum(
        Transfer.objects.filter(
            source__organisation=organisation,
            source__kind=Account.Kind.HOLD,
            source__currency=organisation.currency,
            reason__in=(Reason.SETTLE, Reason.MARGIN),
            id__gte=first_id_at(since),
        )
    )


@dataclass(frozen=True, slots=True)
class Statement:
    """An account over a period: `closing` is `opening` and all of `movements`."""

    currency: str
    opening: Micros
    closing: Micros
    movements: QuerySet[Transfer]


def statement(organisation: Organisation, *, begin: datetime, end: datetime) -> Statement:
    """The wallet from one instant to before another, newest first.

    Each movement carries `change` (below zero when it left the wallet) and the running `balance` after it.
    """
    wallet = wallet_of(organisation)
    if wallet.account_id is None:
        return Statement(wallet.currency, 0, 0, Transfer.objects.none())
    opening = _balance_before(wallet.account_id, begin)
    moved = _changes(wallet.account_id, begin, end)
    after = Window(Sum("change"), order_by=F("id").asc()) + Value(opening)
    closing = opening + (moved.aggregate(total=Sum("change"))["total"] or 0)
    return Statement(wallet.currency, opening, closing, moved.annotate(balance=after).order_by("-id"))


def latest_movements(organisation: Organisation, *, count: int = 5) -> list[Transfer]:
    """The last movements of the wallet, each with its `change`."""
    wallet = wallet_of(organisation)
    if wallet.account_id is None:
        return []
    return list(_touching(wallet.account_id).order_by("-id")[:count])


def days_left(organisation: Organisation, *, now: datetime) -> int | None:
    """For how many days the wallet reaches at the pace of the last week; None when nothing was spent or it is empty."""
    spent = spent_since(organisation, now - timedelta(days=7))
    available = wallet_of(organisation).available
    return available * 7 // spent if spent and available > 0 else None


def _touching(account_id: UUID) -> QuerySet[Transfer]:
    change = Case(When(target=account_id, then=F("amount")), default=-F("amount"), output_field=BigIntegerField())
    return Transfer.objects.filter(Q(source=account_id) | Q(target=account_id)).annotate(change=change)


def _changes(account_id: UUID, begin: datetime, end: datetime) -> QuerySet[Transfer]:
    return _touching(account_id).filter(id__gte=first_id_at(begin), id__lt=first_id_at(end))


def _balance_before(account_id: UUID, moment: datetime) -> Micros:
    """Counted back from the cached balance, in one statement: a wallet's last weeks are fewer than all its years."""
    later = _touching(account_id).filter(id__gte=first_id_at(moment)).order_by().values(one=Value(1))
    since = Coalesce(Subquery(later.annotate(total=Sum("change")).values("total")), 0, output_field=BigIntegerField())
    return Account.objects.annotate(before=F("balance") - since).values_list("before", flat=True).get(pk=account_id)


def first_id_at(moment: datetime) -> UUID:
    """The smallest id of that millisecond: ids are times."""
    return UUID(int=uuid7_at(int(moment.timestamp() * 1000)).int >> 80 << 80)


def _sum(transfers) -> Micros:
    return transfers.aggregate(total=Sum("amount"))["total"] or 0
