"""Every read of the ledger worth a name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import BigIntegerField, Case, Count, F, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from accounts.models import Organisation
from kit.ids import uuid7_at
from kit.money import Micros
from kit.sql import rows

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
    found = rows(_POTS, [organisation.pk, organisation.currency, list(Account.WITH_FLOOR)])
    pots = {kind: (id, balance, floor) for id, kind, balance, floor in found}
    account_id, balance, floor = pots.get(Account.Kind.WALLET, (None, 0, 0))
    _id, held, _floor = pots.get(Account.Kind.HOLD, (None, 0, 0))
    return Wallet(account_id, organisation.currency, balance=balance, credit_line=-floor, held=held)


#: Every page asks; by hand, because the ORM takes longer to write the question than the database to answer it.
_POTS = """
    SELECT id, kind, balance, floor FROM ledger_account WHERE organisation_id = %s AND currency = %s AND kind = ANY (%s)
"""


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
    movements: "Movements"


class Movements:
    """An account's movements, newest first, each with its `change` and the `balance` after it.

    A page reads its own rows: balances are counted back from `closing`, and no further than asked for.  `count`,
    `order_by` and `query` are what tables ask of rows they should not read whole.
    """

    def __init__(self, rows: QuerySet[Transfer], *, closing: Micros, count: int) -> None:
        self._rows, self._closing, self._count = rows, closing, count
        self.query = rows.query

    def __len__(self) -> int:
        return self._count

    def count(self) -> int:
        return self._count

    def order_by(self, *_names: str) -> "Movements":
        return self  # a balance only makes sense in the order of time

    def __getitem__(self, place: slice) -> list[Transfer]:
        start, stop, _step = place.indices(self._count)
        newer = self._rows[:start].aggregate(total=Sum("change"))["total"] or 0 if start else 0
        return list(self._balanced(self._rows[start:stop], self._closing - newer))

    def __iter__(self) -> Iterator[Transfer]:
        return self._balanced(self._rows.iterator(chunk_size=2_000), self._closing)

    @staticmethod
    def _balanced(rows: Iterable[Transfer], balance: Micros) -> Iterator[Transfer]:
        for row in rows:
            row.balance = balance
            balance -= row.change
            yield row


def statement(organisation: Organisation, *, begin: datetime, end: datetime, wallet: Wallet | None = None) -> Statement:
    """The wallet from one instant to before another; a movement's `change` is below zero when it left the wallet.

    `wallet` is the organisation's, for who has read it already.
    """
    wallet = wallet or wallet_of(organisation)
    if wallet.account_id is None:
        return Statement(wallet.currency, 0, 0, Movements(Transfer.objects.none(), closing=0, count=0))
    closing = _balance_before(wallet.account_id, end)
    moved = _changes(wallet.account_id, begin, end)
    found = moved.aggregate(total=Coalesce(Sum("change"), 0, output_field=BigIntegerField()), count=Count("pk"))
    movements = Movements(moved.order_by("-id"), closing=closing, count=found["count"])
    return Statement(wallet.currency, closing - found["total"], closing, movements)


def latest_movements(wallet: Wallet, *, count: int = 5) -> list[Transfer]:
    """The last movements of the wallet, each with its `change`."""
    if wallet.account_id is None:
        return []
    return list(_touching(wallet.account_id).order_by("-id")[:count])


def days_left(organisation: Organisation, wallet: Wallet, *, now: datetime) -> int | None:
    """For how many days the wallet reaches at the pace of the last week; None when nothing was spent or it is empty."""
    available = wallet.available
    spent = spent_since(organisation, now - timedelta(days=7)) if available > 0 else 0
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
