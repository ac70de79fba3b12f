"""Every read of the ledger worth a name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Sum, When

from accounts.models import Organisation
from kit.ids import first_id_at
from kit.money import Micros
from kit.sql import rows

from .models import Account, Reason, Transfer

#: Movements read at once when all of them are wanted.
PORTION = 2_000


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


@dataclass(slots=True)
class Movement:
    """A transfer as its wallet sees it: `change` is below zero when it left, `balance` is what was there after it."""

    id: UUID
    reason: str
    reference: str
    subject: str
    currency: str
    change: Micros
    balance: Micros = Micros(0)


class Movements:
    """A wallet's movements from one id to before another, newest first, each with the `balance` after it.

    A page reads its own rows: balances are counted back from `closing`, and no further than asked for.  `count`,
    `order_by` and `query` are what tables ask of rows they should not read whole.
    """

    query = SimpleNamespace(order_by=("-id",))

    def __init__(self, wallet: UUID | None, *, first: UUID, beyond: UUID, closing: Micros, count: int) -> None:
        self._span = {"wallet": wallet, "first": first, "beyond": beyond}
        self._closing, self._count = closing, count

    def __len__(self) -> int:
        return self._count

    def count(self) -> int:
        return self._count

    def order_by(self, *_names: str) -> "Movements":
        return self  # a balance only makes sense in the order of time

    def __getitem__(self, place: slice) -> list[Movement]:
        start, stop, _step = place.indices(self._count)
        [(newer,)] = rows(_NEWER, {**self._span, "count": start}) if start else [(0,)]
        found = rows(_MOVED, {**self._span, "start": start, "count": stop - start}) if stop > start else []
        return list(self._balanced(found, self._closing - newer))

    def __iter__(self) -> Iterator[Movement]:
        return self._balanced(self._read_all(), self._closing)

    def _read_all(self) -> Iterator[tuple]:
        """In portions, each from where the one before ended."""
        span = self._span
        while found := rows(_MOVED, {**span, "start": 0, "count": PORTION}):
            yield from found
            span = {**span, "beyond": found[-1][0]}

    @staticmethod
    def _balanced(found: Iterable[tuple], balance: Micros) -> Iterator[Movement]:
        for id, reason, reference, subject, currency, change in found:
            yield Movement(id, reason, reference, subject, currency, change, balance)
            balance -= change


def statement(organisation: Organisation, *, begin: datetime, end: datetime, wallet: Wallet | None = None) -> Statement:
    """The wallet from one instant to before another; a movement's `change` is below zero when it left the wallet.

    `wallet` is the organisation's, for who has read it already.
    """
    wallet = wallet or wallet_of(organisation)
    span = {"first": first_id_at(begin), "beyond": first_id_at(end)}
    if wallet.account_id is None:
        return Statement(wallet.currency, 0, 0, Movements(None, **span, closing=Micros(0), count=0))
    [(closing, total, count)] = rows(_PERIOD, {"wallet": wallet.account_id, **span})
    moved = Movements(wallet.account_id, **span, closing=closing, count=count)
    return Statement(wallet.currency, closing - total, closing, moved)


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


#: By hand, as lists of movements are long and their pages many.
_MOVED = """
    SELECT id, reason, reference, subject, currency, CASE WHEN target_id = %(wallet)s THEN amount ELSE -amount END AS change
    FROM ledger_transfer
    WHERE (source_id = %(wallet)s OR target_id = %(wallet)s) AND id >= %(first)s AND id < %(beyond)s
    ORDER BY id DESC LIMIT %(count)s OFFSET %(start)s
"""
_NEWER = f"""
    SELECT coalesce(sum(change), 0)::bigint FROM ({_MOVED.replace("%(start)s", "0")}) newer
"""  # noqa: S608  our own words


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
