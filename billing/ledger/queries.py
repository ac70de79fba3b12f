"""Every read of the ledger worth a name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Sum, When

from accounts.models import Organisation
from kit.ids import first_id_at
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
    holds = [organisation.pk, organisation.currency, Account.Kind.HOLD]
    [(spent,)] = rows(_SPENT, [*holds, first_id_at(since), [Reason.SETTLE, Reason.MARGIN]])
    return Micros(spent)


_SPENT = """
    SELECT coalesce(sum(amount), 0)::bigint FROM ledger_transfer
    WHERE source_id = (SELECT id FROM ledger_account WHERE organisation_id = %s AND currency = %s AND kind = %s)
        AND id >= %s AND reason = ANY (%s)
"""


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
    first, beyond = first_id_at(begin), first_id_at(end)
    [(closing, total, count)] = rows(_PERIOD, {"wallet": wallet.account_id, "first": first, "beyond": beyond})
    moved = _touching(wallet.account_id).filter(id__gte=first, id__lt=beyond).order_by("-id")
    return Statement(wallet.currency, closing - total, closing, Movements(moved, closing=closing, count=count))


#: Counted back from the cached balance, at one moment: a wallet's last weeks are fewer than all its years.
_PERIOD = """
    SELECT (SELECT balance FROM ledger_account WHERE id = %(wallet)s)
               - coalesce(sum(change) FILTER (WHERE id >= %(beyond)s), 0)::bigint,
           coalesce(sum(change) FILTER (WHERE id < %(beyond)s), 0)::bigint, count(*) FILTER (WHERE id < %(beyond)s)
    FROM (
        SELECT id, CASE WHEN target_id = %(wallet)s THEN amount ELSE -amount END AS change FROM ledger_transfer
        WHERE (source_id = %(wallet)s OR target_id = %(wallet)s) AND id >= least(%(first)s, %(beyond)s)
    ) moved
"""


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


def _sum(transfers) -> Micros:
    return transfers.aggregate(total=Sum("amount"))["total"] or 0
