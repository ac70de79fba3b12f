"""Every write of the ledger.  Money moves by `post` and by nothing else."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from accounts.models import Organisation
from kit.errors import NotFound
from kit.ids import uuid7s
from kit.money import Micros
from kit.sql import rows

from .errors import CreditInUse, CurrencyMismatch, InsufficientBalance, NotBelow, ReferenceTaken
from .models import Account, Reason, Transfer

#: An account by what it is: organisation id, kind, currency.
Pot = tuple[UUID, str, str]


@dataclass(frozen=True, slots=True)
class Move:
    """One movement to post.  `reference` names its cause: the same cause never moves money twice."""

    source: Account
    target: Account
    amount: Micros
    reason: str
    reference: str
    subject: str = ""


def account_of(organisation: Organisation, kind: str, currency: str) -> Account:
    """That pot of the organisation, opened empty when it isn't there yet."""
    pot = (organisation.pk, kind, currency)
    return accounts_of([pot])[pot]


def accounts_of(pots: Iterable[Pot]) -> dict[Pot, Account]:
    """All of those pots in one query; those that aren't there yet are opened empty."""
    wanted = set(pots)
    found = _find(wanted)
    if missing := wanted - found.keys():
        Account.objects.bulk_create([_empty(*pot) for pot in sorted(missing, key=str)], ignore_conflicts=True)
        found |= _find(missing)
    return found


def post(*moves: Move) -> list[Transfer]:
    """Make all the movements, or none, and return the transfers that prove them, in the order given.

    A reference that was posted before moves nothing again: its first transfer is returned, or ReferenceTaken
    is raised when that one said something else.  A move of nothing leaves no transfer.
    Raises InsufficientBalance when a pot with a floor would end below it; nothing has moved then.
    Pots are locked in primary-key order, so callers need no order of their own.
    """
    moves = [move for move in moves if move.amount]
    for move in moves:
        _check(move)
    if not moves:
        return []
    with transaction.atomic():
        return _make(moves, _lock(moves))


def transfer(
    *, source: Account, target: Account, amount: Micros, reason: str, reference: str, subject: str = ""
) -> Transfer:
    """One movement: see `post`."""
    if amount <= 0:
        raise ValueError("a transfer moves something")
    return post(Move(source, target, amount, reason, reference, subject))[0]


def hold(*, organisation: Organisation, currency: str, amount: Micros, reference: str, subject: str = "") -> None:
    """Set that much of the wallet aside.  Raises InsufficientBalance when it doesn't reach."""
    if not amount:
        return
    wallet, held = (organisation.pk, Account.Kind.WALLET, currency), (organisation.pk, Account.Kind.HOLD, currency)
    pots = accounts_of([wallet, held])
    post(Move(pots[wallet], pots[held], amount, Reason.HOLD, reference, subject))


def transfer_credit(
    *, source_organisation: Organisation, target_organisation: Organisation, amount: Micros, by, reference: str
) -> Transfer:
    """Give credit from an agent's wallet to the wallet of an account below it.

    Runs in the source's downline scope.  Raises NotBelow, CurrencyMismatch or InsufficientBalance; nothing has
    moved then.  The same reference again gives nothing more.
    """
    if not target_organisation.path.startswith(f"{source_organisation.path}."):
        raise NotBelow
    currency = source_organisation.currency
    if target_organisation.currency != currency:
        raise CurrencyMismatch
    source = (source_organisation.pk, Account.Kind.WALLET, currency)
    target = (target_organisation.pk, Account.Kind.WALLET, currency)
    pots = accounts_of([source, target])
    return transfer(
        source=pots[source],
        target=pots[target],
        amount=amount,
        reason=Reason.CREDIT,
        reference=f"credit:{source_organisation.pk}:{reference}",
        subject=f"user:{by.pk}",
    )


def set_credit_line(*, organisation: Organisation, amount: Micros) -> Account:
    """How far below zero the wallet may go.  Raises CreditInUse when it is further down already."""
    if amount < 0:
        raise ValueError("a credit line is not negative")
    wallet = account_of(organisation, Account.Kind.WALLET, organisation.currency)
    if not Account.objects.filter(pk=wallet.pk, balance__gte=-amount).update(floor=-amount):
        raise CreditInUse
    wallet.refresh_from_db()
    return wallet


_FIELDS = ("id", "organisation_id", "kind", "currency", "has_floor", "balance", "floor")
_FIND = """
SELECT id, organisation_id, kind, currency, has_floor, balance, floor FROM ledger_account
WHERE (organisation_id, kind, currency) IN (SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[]))
"""
_LOCK = """
SELECT id, organisation_id, kind, currency, has_floor, balance, floor FROM ledger_account
WHERE id = ANY(%s::uuid[]) AND has_floor ORDER BY id FOR NO KEY UPDATE"""


def _read(statement: str, parameters: list) -> list[Account]:
    """Accounts by SQL of our own: every message sent comes this way, and the ORM's query is half of what it costs."""
    return [Account.from_db(connection.alias, _FIELDS, row) for row in rows(statement, parameters)]


def _find(pots: set[Pot]) -> dict[Pot, Account]:
    columns = [[str(pot[n]) for pot in pots] for n in range(3)]
    return {(account.organisation_id, account.kind, account.currency): account for account in _read(_FIND, columns)}


def _empty(organisation_id: UUID, kind: str, currency: str) -> Account:
    has_floor = kind in Account.WITH_FLOOR
    return Account(
        organisation_id=organisation_id,
        kind=kind,
        currency=currency,
        has_floor=has_floor,
        balance=0 if has_floor else None,
    )


def _check(move: Move) -> None:
    if move.amount < 0:
        raise ValueError("a transfer moves something forward")
    if move.source.currency != move.target.currency:
        raise CurrencyMismatch


def _lock(moves: Sequence[Move]) -> dict[UUID, Account]:
    """Lock the pots that have a floor, in primary-key order, and return them as they are now."""
    wanted = {pot.pk for move in moves for pot in (move.source, move.target) if pot.has_floor}
    locked = {account.pk: account for account in _read(_LOCK, [list(wanted)])}
    if locked.keys() != wanted:
        raise NotFound
    return locked


# One statement: the new transfers decide what the balances change by.  A reference that is there already yields no
# row and so changes nothing; a pot that would end below its floor is not updated and comes back as short.
_MAKE = """
WITH made AS (
    INSERT INTO ledger_transfer (id, source_id, target_id, organisation_id, target_organisation_id, amount, currency,
        reason, reference, subject, created_at)
    SELECT *, now() FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[], %s::text[],
        %s::text[], %s::text[], %s::text[])
    ON CONFLICT (reference) DO NOTHING
    RETURNING source_id, target_id, amount
), nets AS (
    SELECT account, sum(change)::bigint AS change FROM (
        SELECT source_id AS account, -amount AS change FROM made UNION ALL SELECT target_id, amount FROM made
    ) AS changes GROUP BY account
), changed AS (
    UPDATE ledger_account SET balance = balance + nets.change FROM nets
    WHERE id = nets.account AND has_floor AND balance + nets.change >= floor
    RETURNING id
)
SELECT (SELECT count(*) FROM made), now(), (
    SELECT jsonb_object_agg(account, -change) FROM nets
    WHERE account = ANY(%s::uuid[]) AND account NOT IN (SELECT id FROM changed)
)
"""
_COLUMNS = (
    "id", "source_id", "target_id", "organisation_id", "target_organisation_id", "amount", "currency", "reason",
    "reference", "subject",
)  # fmt: skip


def _make(moves: Sequence[Move], floored: dict[UUID, Account]) -> list[Transfer]:
    """Insert what is new and change the balances by it."""
    # In the order of their references: two posts of the same causes then meet in the same order.
    in_order = sorted(moves, key=lambda move: move.reference)
    new = [_transfer(id, move) for id, move in zip(uuid7s(len(moves)), in_order, strict=True)]
    columns = [[getattr(transfer, name) for transfer in new] for name in _COLUMNS]
    [(made, now, short)] = rows(_MAKE, [*columns, list(floored)])
    for account, needed in json.loads(short or "{}").items():
        _refuse(floored[UUID(account)], needed)
    if made < len(new):
        new = Transfer.objects.filter(reference__in=[move.reference for move in moves])
    else:
        for transfer in new:
            transfer.created_at = now
    return _in_order(moves, new)


def _transfer(id: UUID, move: Move) -> Transfer:
    return Transfer(
        id=id,
        source_id=move.source.pk,
        target_id=move.target.pk,
        organisation_id=move.source.organisation_id,
        target_organisation_id=move.target.organisation_id,
        amount=move.amount,
        currency=move.source.currency,
        reason=str(move.reason),
        reference=move.reference,
        subject=move.subject,
    )


def _refuse(pot: Account, needed: int) -> None:
    raise InsufficientBalance(needed=needed, available=pot.balance - pot.floor, currency=pot.currency)


def _in_order(moves: Sequence[Move], transfers: Iterable[Transfer]) -> list[Transfer]:
    by_reference = {transfer.reference: transfer for transfer in transfers}
    for move in moves:
        proof = by_reference.get(move.reference)
        if proof is None or (proof.source_id, proof.target_id, proof.amount) != (
            move.source.pk,
            move.target.pk,
            move.amount,
        ):
            raise ReferenceTaken
    return [by_reference[move.reference] for move in moves]
