"""What lies below an agent: who, at what price, how much was sent, what was earned.  Never beside it, never above."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from accounts.models import Organisation
from accounts.queries import downline_of
from agents.rules.ladder import Asked, first_below, paid_prices
from agents.sums import DAY
from billing.ledger.models import Account as Pot
from billing.pricing.models import Category
from billing.pricing.quotes import costs_now
from kit.errors import NotFound
from kit.sql import records, rows

from .earnings import Span, earned_below, spent_below

#: A wallet that would not last this long at the pace of the same time before is low.
LASTS = timedelta(days=3)
#: The price shown for an account is that of this category, to the agent's own country.
SHOWN_CATEGORY = Category.NOTICE


@dataclass(slots=True)
class Figures:
    """What arrived, what the agent was paid for it, and what it kept; money in micros."""

    messages: int = 0
    segments: int = 0
    revenue: int = 0
    margin: int = 0

    def add(self, other: "Figures") -> None:
        self.messages += other.messages
        self.segments += other.segments
        self.revenue += other.revenue
        self.margin += other.margin


@dataclass(slots=True)
class Account:
    """One account of a downline.  `figures` count everything below it too; `price` and `yours` are a segment's."""

    organisation: Organisation
    level: int
    seller_name: str
    list_name: str = ""
    price: int | None = None
    yours: int | None = None
    balance: int = 0
    available: int = 0
    recent_spend: int = 0
    figures: Figures = field(default_factory=Figures)
    children: list["Account"] = field(default_factory=list)

    @property
    def is_low(self) -> bool:
        return 0 < self.available < self.recent_spend

    @property
    def is_empty(self) -> bool:
        return self.available <= 0

    def walk(self) -> Iterator["Account"]:
        """This account and all below it, sellers before their buyers."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Rung:
    """One seller on the way of a message's price: what it adds, and what its buyer pays."""

    organisation: Organisation
    adds: int
    price: int


@dataclass(frozen=True, slots=True)
class Downline:
    """The tree below an agent over a span of time.  `cost` is what the agent itself pays a segment."""

    agent: Organisation
    cost: int | None
    accounts: list[Account]
    totals: dict[str, Figures]

    def walk(self) -> Iterator[Account]:
        for account in self.accounts:
            yield from account.walk()

    def find(self, id: UUID) -> Account:
        """One account of the tree.  Raises NotFound for anybody else's."""
        for account in self.walk():
            if account.organisation.pk == id:
                return account
        raise NotFound

    def ladder(self, account: Account) -> list[Rung]:
        """Who adds what to the price the account pays, the agent first; empty where no price is known."""
        if self.cost is None or account.price is None:
            return []
        by_id = {one.organisation.pk: one for one in self.walk()}
        way = [account]
        while (seller := by_id.get(way[0].organisation.parent_id)) is not None:
            way.insert(0, seller)
        rungs, before, seller_organisation = [], self.cost, self.agent
        for one in way:
            rungs.append(Rung(seller_organisation, one.price - before, one.price))
            before, seller_organisation = one.price, one.organisation
        return rungs


def downline(agent: Organisation, *, since: datetime, until: datetime) -> Downline:
    """The tree below the agent with what happened in [since, until), in a fixed number of queries.

    Runs in the agent's downline scope.
    """
    organisations = list(downline_of(agent).order_by("name", "pk"))
    cost = costs_now(agent, {_shown_to(agent)}, currency=agent.currency)[_shown_to(agent)]
    accounts = {one.pk: Account(one, level=0, seller_name=agent.name) for one in organisations}
    roots = _hang(agent, accounts)
    ordered = [account for root in roots for account in root.walk()]
    _set_prices(agent, cost, ordered)
    _set_balances(agent, accounts)
    _set_figures(agent, accounts, (since, until))
    return Downline(agent, cost, roots, _add_up(roots))


def account_of(agent: Organisation, id: UUID, *, since: datetime, until: datetime) -> tuple[Downline, Account]:
    """One account below the agent, with the tree it is in.  Raises NotFound for anybody else's."""
    tree = downline(agent, since=since, until=until)
    return tree, tree.find(id)


def _shown_to(agent: Organisation) -> tuple[str, str]:
    return agent.country, SHOWN_CATEGORY


def _hang(agent: Organisation, accounts: dict[UUID, Account]) -> list[Account]:
    roots = []
    for account in accounts.values():
        seller = accounts.get(account.organisation.parent_id)
        if seller is None:
            roots.append(account)
        else:
            account.seller_name = seller.organisation.name
            seller.children.append(account)
    for root in roots:
        _set_levels(root, 1)
    return roots


def _set_levels(root: Account, level: int) -> None:
    waiting = [(root, level)]
    while waiting:
        account, at = waiting.pop()
        account.level = at
        waiting += [(child, at + 1) for child in account.children]


class _Book(NamedTuple):
    """A price list and what it asks now for the shown place: the country's own price before that of all others."""

    id: UUID
    organisation_id: UUID
    currency: str
    name: str
    is_default: bool
    micros: int | None


_BOOKS = """
    SELECT book.id, book.organisation_id, book.currency, book.name, book.is_default, asked.micros
    FROM pricing_pricebook book
    JOIN accounts_organisation seller ON seller.id = book.organisation_id AND seller.path <@ %(path)s::ltree
    LEFT JOIN LATERAL (
        SELECT micros FROM pricing_price price
        WHERE price.book_id = book.id AND price.category = %(category)s AND price.country IN ('', %(country)s)
            AND price.effective_from <= %(now)s
        ORDER BY price.country DESC, price.effective_from DESC LIMIT 1
    ) asked ON true
"""
_GIVEN = """
    SELECT given.organisation_id, given.book_id FROM pricing_priceassignment given
    JOIN accounts_organisation buyer ON buyer.id = given.organisation_id AND buyer.path <@ %(path)s::ltree
"""


def _set_prices(agent: Organisation, cost: int | None, ordered: Sequence[Account]) -> None:
    place = {"category": SHOWN_CATEGORY, "country": agent.country, "now": timezone.now()}
    books = records(_Book, _BOOKS, {"path": agent.path, **place})
    given = dict(rows(_GIVEN, {"path": agent.path}))
    by_id = {book.id: book for book in books}
    default = {(book.organisation_id, book.currency): book for book in books if book.is_default}
    asked = []
    for account in ordered:
        buyer = account.organisation
        own, usual = by_id.get(given.get(buyer.pk)), default.get((buyer.parent_id, buyer.currency))
        account.list_name = next((book.name for book in (own, usual) if book), "")
        prices = (book.micros for book in (own, usual) if book and book.currency == agent.currency)
        asked.append(Asked(buyer.pk, buyer.parent_id, next((price for price in prices if price is not None), None)))
    if cost is None:
        return
    paid = paid_prices(top=agent.pk, cost=cost, asked=asked)
    parents = {one.account: one.seller for one in asked}
    for account in ordered:
        if account.organisation.currency == agent.currency:
            account.price = paid[account.organisation.pk]
            account.yours = paid[first_below(top=agent.pk, account=account.organisation.pk, parents=parents)] - cost


_WALLETS = """
    SELECT pot.organisation_id, pot.currency, pot.balance, pot.floor FROM ledger_account pot
    JOIN accounts_organisation owner ON owner.id = pot.organisation_id AND owner.path <@ %(path)s::ltree
    WHERE pot.kind = %(kind)s
"""


def _set_balances(agent: Organisation, accounts: dict[UUID, Account]) -> None:
    for owner, currency, balance, floor in rows(_WALLETS, {"path": agent.path, "kind": Pot.Kind.WALLET}):
        account = accounts.get(owner)
        if account is not None and currency == account.organisation.currency:
            account.balance, account.available = balance, balance - floor


def _set_figures(agent: Organisation, accounts: dict[UUID, Account], span: Span) -> None:
    own: dict[UUID, Figures] = defaultdict(Figures)
    asked, recently = 0, 1
    now = timezone.now()
    for spent in spent_below(agent, span, (now - LASTS, now + DAY)):  # other clocks may be a little ahead
        if spent.span == asked:
            own[spent.organisation_id].add(Figures(spent.messages, spent.segments, revenue=spent.amount))
        if spent.span == recently and spent.organisation_id in accounts:
            accounts[spent.organisation_id].recent_spend = spent.amount
    for earned in earned_below(agent, span):
        if earned.earner_id == agent.pk:
            own[earned.customer_id].margin += earned.margin
        else:
            own[earned.customer_id].revenue -= earned.margin  # stays with a seller between the agent and the customer
    for root in (account for account in accounts.values() if account.level == 1):
        _gather(root, own)


def _gather(root: Account, own: dict[UUID, Figures]) -> None:
    """Give every account what it and those below it did."""
    for account in reversed(list(root.walk())):
        account.figures.add(own.get(account.organisation.pk, Figures()))
        for child in account.children:
            if child.organisation.currency == account.organisation.currency:
                account.figures.add(child.figures)


def _add_up(roots: Sequence[Account]) -> dict[str, Figures]:
    """The sums of the whole tree, one for each currency: unlike money is never added."""
    totals: dict[str, Figures] = defaultdict(Figures)
    for root in roots:
        totals[root.organisation.currency].add(root.figures)
        for account in root.walk():
            for child in account.children:
                if child.organisation.currency != account.organisation.currency:
                    totals[child.organisation.currency].add(child.figures)
    return dict(totals)
