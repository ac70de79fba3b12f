"""A world messages can travel in, made through the product's own actions."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from accounts.models import Organisation
from accounts.tests.factories import make_agent, make_customer, make_operator
from billing.ledger.models import Account
from billing.ledger.queries import balance_of
from billing.ledger.tests.factories import fund
from billing.pricing.models import PriceBook
from billing.pricing.tests.factories import make_price_book, price_world
from messaging.channels.actions import add_route, create_channel
from messaging.channels.models import Channel
from messaging.channels.types.base import Outcome, Sent
from messaging.content.compiled import CompiledVersion, compiled
from messaging.content.models import SenderId
from messaging.content.tests.factories import approved_sender, approved_version
from messaging.engine.accept import Accepted, Draft, accept_messages
from messaging.engine.dispatch.claim import Claimed, claim
from messaging.engine.dispatch.outcomes import record_outcomes
from messaging.engine.models import Message
from messaging.engine.receipts import fold_all, store_news


@dataclass
class World:
    """One operator with a channel, one agent, one funded customer below it with approved wording."""

    operator: Organisation
    agent: Organisation
    customer: Organisation
    channel: Channel
    wording: CompiledVersion
    sender: SenderId

    def draft(self, recipient: str = "+447700900123", *, country: str = "GB", row: int = 0, **values: str) -> Draft:
        return Draft(recipient, country, self.wording, self.sender, values or {"name": "Ada"}, row=row)

    def accept(self, count: int = 1, **options) -> Accepted:
        drafts = [self.draft(f"+4477009{number:05d}", row=number) for number in range(count)]
        return self.accept_drafts(drafts, **options)

    def accept_drafts(self, drafts: Sequence[Draft], **options) -> Accepted:
        with self.customer.scope(), transaction.atomic():
            return accept_messages(organisation=self.customer, drafts=drafts, **options)

    def claim(self, limit: int = 100, worker: str = "test") -> dict[UUID, Claimed]:
        return {one.attempt_id: one for one in claim(channel_id=self.channel.pk, limit=limit, worker=worker)}

    def record(self, claimed: dict[UUID, Claimed], outcomes: Sequence[Outcome]) -> None:
        record_outcomes(channel_id=self.channel.pk, claimed=claimed, outcomes=outcomes)

    def send(self, limit: int = 100) -> dict[str, Claimed]:
        """Claim and have the carrier take everything; by carrier reference."""
        claimed = self.claim(limit)
        self.record(claimed, [Sent(attempt_id, f"c-{attempt_id}") for attempt_id in claimed])
        return {f"c-{attempt_id}": one for attempt_id, one in claimed.items()}

    def report(self, *receipts: tuple[str, str]) -> None:
        """Store receipts (carrier reference, state) and fold them."""
        from messaging.engine.tests.receipts import news_of

        store_news(channel_id=self.channel.pk, **news_of(*receipts))
        fold_all()

    def balance(self, kind: Account.Kind, organisation: Organisation | None = None) -> int:
        owner = organisation or self.customer
        account = Account.objects.filter(organisation=owner, kind=kind).first()
        return balance_of(account) if account else 0

    def fund(self, amount: str) -> None:
        fund(self.customer, amount)

    def message(self) -> Message:
        return Message.objects.get(organisation=self.customer)


def make_world(
    *, funds: str = "10.00", category: str = "notice", body: str = "Hello {name}, it is ready.", template: str = ""
) -> World:
    operator = make_operator()
    if not PriceBook.objects.filter(organisation=operator).exists():
        price_world(operator)
    agent = make_agent(parent=operator)
    make_price_book(agent, {category: "0.0400"}, is_default=True)
    customer = make_customer(parent=agent)
    if funds:
        fund(customer, funds)
    channel = _channel(operator)
    variables = [{"name": "name", "type": "text", "example": "Ada", "max_length": 40}]
    version = approved_version(customer, name=template, body=body, category=category, variables=variables)
    sender = approved_sender(customer)
    return World(operator, agent, customer, channel, compiled(version), sender)


def _channel(operator: Organisation) -> Channel:
    """The one channel of a test's world: the simulator, for live and test messages to everywhere."""
    found = Channel.objects.filter(organisation=operator).first()
    if found is None:
        found = create_channel(organisation=operator, name="Simulator", type="simulator", config={})
        add_route(channel=found)
        add_route(channel=found, is_test=True)
    return found
