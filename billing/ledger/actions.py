"""Every write of the ledger.  Money moves by `post` and by nothing else."""

import json
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import connection, transaction

from accounts.models import Organisation
from kit.errors import NotFound
from kit.ids import uuid7s
from kit.money import Micros
from kit.sql import array, planned_once, rows, text_array

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


#: Pots as they were found once.  Which account a pot is never changes; how much is in it is nobody's to read here.
_known: dict[Pot, Account] = {}
_MOST_KNOWN = 20_000


def pots_of(pots: Iterable[Pot]) -> dict[Pot, Account]:
    """The same to move money between: each process looks for a pot once.  Their balances are not to be read."""
    wanted = set(pots)
    known = {pot: account for pot in wanted if (account := _known.get(pot))}
    if missing := wanted - known.keys():
        found = accounts_of(missing)
        transaction.on_commit(partial(_remember, found))  # what was opened in a transaction may be gone with it
        known |= found
    return known


def _remember(found: dict[Pot, Account]) -> None:
    if len(_known) > _MOST_KNOWN:
        _known.clear()
    _known.update(found)


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
    with nullcontext() if connection.in_atomic_block else transaction.atomic():
        made = {transfer.reference: transfer for transfer in _make(_one_each(moves))}
    return [made[move.reference] for move in moves]


def _one_each(moves: Sequence[Move]) -> list[Move]:
    """The moves in the order of their references: two posts of the same causes then meet in the same order."""
    by_reference: dict[str, Move] = {}
    for move in sorted(moves, key=lambda move: move.reference):
        first = by_reference.setdefault(move.reference, move)
        if (first.source.pk, first.target.pk, first.amount) != (move.source.pk, move.target.pk, move.amount):
            raise ReferenceTaken
    return list(by_reference.values())


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
    pots = pots_of([wallet, held])
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


# The balances are locked before the second statement looks at them, so that it sees them as they stay.  All or nothing:
# when a pot would end below its floor, or a reference was used for something else, no row is made.  A reference that is
# there already yields no row and so changes nothing.
_LOCK = "SELECT FROM ledger_account WHERE id = ANY(%(floored)s::uuid[]) AND has_floor ORDER BY id FOR NO KEY UPDATE"
_MAKE = """
WITH moves AS MATERIALIZED (
    SELECT * FROM unnest(%(id)s::uuid[], %(source_id)s::uuid[], %(target_id)s::uuid[], %(organisation_id)s::uuid[],
        %(target_organisation_id)s::uuid[], %(amount)s::bigint[], %(currency)s::text[], %(reason)s::text[],
        %(reference)s::text[], %(subject)s::text[])
        AS m (id, source_id, target_id, organisation_id, target_organisation_id, amount, currency, reason, reference, subject)
), known AS MATERIALIZED (
    SELECT t.reference, (t.source_id, t.target_id, t.amount) IS DISTINCT FROM (m.source_id, m.target_id, m.amount) AS is_other
    FROM moves m JOIN ledger_transfer t ON t.reference = m.reference
), wanted AS (
    SELECT account, sum(change)::bigint AS change FROM (
        SELECT source_id AS account, -amount AS change, reference FROM moves
        UNION ALL SELECT target_id, amount, reference FROM moves
    ) AS changes WHERE reference NOT IN (SELECT reference FROM known) GROUP BY account
), short AS MATERIALIZED (
    SELECT wanted.account, -wanted.change AS needed, pot.balance - pot.floor AS available
    FROM wanted LEFT JOIN ledger_account pot ON pot.id = wanted.account AND pot.has_floor
    WHERE wanted.account = ANY(%(floored)s::uuid[]) AND (pot.id IS NULL OR pot.balance + wanted.change < pot.floor)
), made AS (
    INSERT INTO ledger_transfer (id, source_id, target_id, organisation_id, target_organisation_id, amount, currency,
        reason, reference, subject, created_at)
    SELECT *, now() FROM moves WHERE NOT EXISTS (SELECT FROM short) AND NOT EXISTS (SELECT FROM known WHERE is_other)
    ON CONFLICT (reference) DO NOTHING
    RETURNING source_id, target_id, amount
), nets AS (
    SELECT account, sum(change)::bigint AS change FROM (
        SELECT source_id AS account, -amount AS change FROM made UNION ALL SELECT target_id, amount FROM made
    ) AS changes GROUP BY account
), changed AS (
    UPDATE ledger_account SET balance = balance + nets.change FROM nets WHERE id = nets.account AND has_floor
)
SELECT (SELECT count(*) FROM made), now(), (SELECT jsonb_object_agg(account, jsonb_build_array(needed, available)) FROM short)
"""
_IDS_AND_AMOUNTS = ("id", "source_id", "target_id", "organisation_id", "target_organisation_id", "amount")
_TEXTS = ("currency", "reason", "reference", "subject")


def _make(moves: Sequence[Move]) -> list[Transfer]:
    """Insert what is new and change the balances by it, in two round trips."""
    new = [_transfer(id, move) for id, move in zip(uuid7s(len(moves)), moves, strict=True)]
    floored = {pot.pk: pot for move in moves for pot in (move.source, move.target) if pot.has_floor}
    columns: dict[str, str] = {name: array([getattr(transfer, name) for transfer in new]) for name in _IDS_AND_AMOUNTS}
    columns |= {name: text_array([getattr(transfer, name) for transfer in new]) for name in _TEXTS}
    pots = array(floored)
    planned_once(_LOCK, {"floored": pots}, size=len(new))
    [(made, now, short)] = planned_once(_MAKE, {**columns, "floored": pots}, size=len(new))
    for account, (needed, available) in json.loads(short or "{}").items():
        _refuse(floored[UUID(account)], needed, available)
    if made < len(new):
        return _made_before(moves, made)
    for transfer in new:
        transfer.created_at = now
    return new


def _made_before(moves: Sequence[Move], made: int) -> list[Transfer]:
    """The transfers of moves some of which were made before, all but `made`."""
    by_reference = Transfer.objects.in_bulk([move.reference for move in moves], field_name="reference")
    if any(not _proves(by_reference.get(move.reference), move) for move in moves):
        if made:  # somebody took a reference of ours in this very moment: nothing of this transaction may stay
            transaction.set_rollback(True)
        raise ReferenceTaken
    return [by_reference[move.reference] for move in moves]


def _proves(transfer: Transfer | None, move: Move) -> bool:
    said = (move.source.pk, move.target.pk, move.amount)
    return transfer is not None and (transfer.source_id, transfer.target_id, transfer.amount) == said


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


def _refuse(pot: Account, needed: int, available: int | None) -> None:
    if available is None:
        raise NotFound
    raise InsufficientBalance(needed=needed, available=available, currency=pot.currency)
