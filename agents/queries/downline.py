"""What lies below an agent: who, at what price, how much was sent, what was earned.  Never beside it, never above."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, Sum
from django.utils import timezone

from accounts.models import Organisation
from accounts.queries import downline_of
from agents.rules.ladder import Asked, first_below, paid_prices
from billing.ledger.models import Account as Pot
from billing.ledger.models import Reason, Transfer
from billing.pricing.models import Category, Price, PriceAssignment, PriceBook
from billing.pricing.quotes import costs_now
from kit.errors import NotFound
from kit.ids import first_id_at
from messaging.engine.models import Settlement
from messaging.engine.states import Status

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
    _set_figures(agent, accounts, since, until)
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


def _set_prices(agent: Organisation, cost: int | None, ordered: Sequence[Account]) -> None:
    books = list(PriceBook.objects.filter(organisation__path__below=agent.path))
    given = dict(
        PriceAssignment.objects.filter(organisation__path__below=agent.path).values_list("organisation_id", "book_id")
    )
    by_id = {book.pk: book for book in books}
    default = {(book.organisation_id, book.currency): book for book in books if book.is_default}
    micros = _prices_of(books, agent.country)
    asked = []
    for account in ordered:
        buyer = account.organisation
        own, usual = by_id.get(given.get(buyer.pk)), default.get((buyer.parent_id, buyer.currency))
        account.list_name = next((book.name for book in (own, usual) if book), "")
        prices = (micros.get(book.pk) for book in (own, usual) if book and book.currency == agent.currency)
        asked.append(Asked(buyer.pk, buyer.parent_id, next((price for price in prices if price is not None), None)))
    if cost is None:
        return
    paid = paid_prices(top=agent.pk, cost=cost, asked=asked)
    parents = {one.account: one.seller for one in asked}
    for account in ordered:
        if account.organisation.currency == agent.currency:
            account.price = paid[account.organisation.pk]
            account.yours = paid[first_below(top=agent.pk, account=account.organisation.pk, parents=parents)] - cost


def _prices_of(books: Sequence[PriceBook], country: str) -> dict[UUID, int]:
    """What each list asks now for the shown place: the country's own price before that of all others."""
    rows = (
        Price.objects.filter(
            book__in=books, category=SHOWN_CATEGORY, country__in=("", country), effective_from__lte=timezone.now()
        )
        .order_by("book_id", "-country", "-effective_from")
        .distinct("book_id")
    )
    return {row.book_id: row.micros for row in rows}


def _set_balances(agent: Organisation, accounts: dict[UUID, Account]) -> None:
    for pot in Pot.objects.filter(kind=Pot.Kind.WALLET, organisation__path__below=agent.path):
        account = accounts.get(pot.organisation_id)
        if account is not None and pot.currency == account.organisation.currency:
            account.balance, account.available = pot.balance, pot.balance - pot.floor


def _set_figures(agent: Organisation, accounts: dict[UUID, Account], since: datetime, until: datetime) -> None:
    own: dict[UUID, Figures] = defaultdict(Figures)
    recently = timezone.now() - LASTS
    in_span = Q(created_at__gte=since, created_at__lt=until)
    spent = (
        Settlement.objects.filter(
            organisation__path__below=agent.path, status=Status.DELIVERED, id__gte=first_id_at(min(since, recently))
        )
        .values("organisation_id")
        .annotate(
            all_messages=Sum("messages", filter=in_span, default=0),
            all_segments=Sum("segments", filter=in_span, default=0),
            all_amount=Sum("amount", filter=in_span, default=0),
            recent=Sum("amount", filter=Q(created_at__gte=recently), default=0),
        )
    )
    for row in spent:
        figures = own[row["organisation_id"]]
        figures.messages, figures.segments = row["all_messages"], row["all_segments"]
        figures.revenue = row["all_amount"]
        if account := accounts.get(row["organisation_id"]):
            account.recent_spend = row["recent"]
    for customer, earner, amount in _shares(agent, since, until):
        if earner == agent.pk:
            own[customer].margin += amount
        else:
            own[customer].revenue -= amount  # stays with a seller between the agent and the customer
    for root in (account for account in accounts.values() if account.level == 1):
        _gather(root, own)


def _shares(agent: Organisation, since: datetime, until: datetime) -> Iterator[tuple[UUID, UUID, int]]:
    """Who of the agent and its sellers below got how much of what whom paid."""
    rows = (
        Transfer.objects.filter(
            id__gte=first_id_at(since - timedelta(days=1)),
            created_at__gte=since,
            created_at__lt=until,
            reason__in=(Reason.MARGIN, Reason.SETTLE),
            organisation__path__below=agent.path,
            target_organisation__path__below=agent.path,
        )
        .values_list("organisation_id", "target_organisation_id")
        .annotate(total=Sum("amount"))
    )
    yield from rows


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
