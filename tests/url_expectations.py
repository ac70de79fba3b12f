"""Every address that carries an id, and whose thing the id names.  `tests/test_every_url.py` tries each with a stranger's.

A new address goes here: `"room:name": Own(id="thing")`, and, if the thing is new, how to make one in THINGS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.actions import invite_member
from accounts.tests.factories import make_agent, make_api_key, make_member
from billing.packages.tests.factories import make_purchase
from billing.pricing.models import PriceBook
from kit.ids import uuid7
from messaging.campaigns.tests.factories import make_draft, make_file, make_started, people
from messaging.content.models import TemplateVersion
from messaging.content.tests.factories import draft_version, submitted_version
from messaging.engine.tests.factories import World
from messaging.hooks.models import WebhookDelivery
from messaging.hooks.tests.factories import make_webhook


@dataclass(frozen=True)
class Own:
    """Ids of a tenant's own things: a stranger's is answered like one that does not exist."""

    things: Mapping[str, str]
    #: Who asks: the owner of the world's "customer", "agent" or "operator".
    actor: str = "customer"

    def __init__(self, *, actor: str = "customer", **things: str) -> None:
        object.__setattr__(self, "things", things)
        object.__setattr__(self, "actor", actor)


@dataclass(frozen=True)
class House:
    """Ids of the operator's things, on pages only the operator has: nobody else finds any."""

    things: Mapping[str, str]

    def __init__(self, **things: str) -> None:
        object.__setattr__(self, "things", things)


@dataclass(frozen=True)
class Free:
    """What the address carries is no id of a tenant's thing."""

    why: str


@dataclass(frozen=True)
class Given:
    """A form or a JSON body that names something by id.  `rest` fills the other fields so that the id is looked at."""

    address: str
    field: str
    thing: str
    rest: Mapping[str, Any] = field(default_factory=dict)
    #: What the address itself carries, of the asker's own.
    own: Mapping[str, str] = field(default_factory=dict)
    actor: str = "customer"


#: How to make one thing of a world's and what the address calls it.
THINGS: Mapping[str, Callable[[World], Any]] = {
    "member": lambda world: make_member(world.customer, "sender").pk,
    "invitation": lambda world: invitation(world),
    "api_key": lambda world: make_api_key(world.customer)[0].pk,
    "purchase": lambda world: make_purchase(world.customer, amount="20.00").pk,
    "template_approved": lambda world: TemplateVersion.objects.get(pk=world.wording.id).template_id,
    "draft": lambda world: draft_version(world.customer).pk,
    "template": lambda world: draft_version(world.customer).template_id,
    "version": lambda world: world.wording.id,
    "sender": lambda world: world.sender.pk,
    "review": lambda world: submitted_version(world.customer).pk,
    "message": lambda world: world.accept(1).messages[0].id,
    "campaign": lambda world: make_started(world).pk,
    "campaign_draft": lambda world: make_draft(world).pk,
    "webhook": lambda world: make_webhook(world.customer)[0].pk,
    "webhook_event": lambda world: webhook_event(world),
    "account": lambda world: world.customer.pk,
    "recipient_file": lambda world: make_file(world.customer, people(3)).pk,
    "reseller": lambda world: make_agent(parent=world.agent).pk,
    "price_list": lambda world: PriceBook.objects.get(organisation=world.agent).pk,
    "channel": lambda world: world.channel.pk,
    "route": lambda world: world.channel.routes.first().pk,
}

EXPECTATIONS: Mapping[str, Own | House | Free] = {
    "account_confirm_email": Free("a signed token from a mail"),
    "account_reset_password_from_key": Free("a signed token from a mail"),
    "accounts:invitation": Free("a token from a mail, which is the right to see it"),
    "accounts:member": Own(id="member"),
    "accounts:member_remove": Own(id="member"),
    "accounts:invitation_revoke": Own(id="invitation"),
    "accounts:api_key_created": Own(id="api_key"),
    "accounts:api_key_revoke": Own(id="api_key"),
    "billing:purchase": Own(id="purchase"),
    "billing:pay": Own(id="purchase"),
    "billing:refund": Own(id="purchase"),
    "agents:account": Own(id="account", actor="agent"),
    "agents:account_credit": Own(id="account", actor="agent"),
    "agents:account_prices": Own(id="account", actor="agent"),
    "agents:account_commission": Own(id="reseller", actor="agent"),
    "agents:account_suspend": Own(id="reseller", actor="agent"),
    "agents:account_resume": Own(id="reseller", actor="agent"),
    "agents:account_statement": Own(id="reseller", actor="agent"),
    "agents:account_statement_csv": Own(id="reseller", actor="agent"),
    "agents:price_list": Own(id="price_list", actor="agent"),
    "agents:price_list_publish": Own(id="price_list", actor="agent"),
    "agents:palette_css": Free("the digits of a colour"),
    "messaging:draft": Own(id="draft"),
    "messaging:template": Own(id="template"),
    "messaging:template_new_version": Own(id="template"),
    "messaging:template_archive": Own(id="template"),
    "messaging:sender": Own(id="sender"),
    "messaging:campaign": Own(id="campaign"),
    "messaging:campaign_pause": Own(id="campaign"),
    "messaging:campaign_resume": Own(id="campaign"),
    "messaging:campaign_cancel": Own(id="campaign"),
    "messaging:campaign_minutes": Own(id="campaign"),
    "messaging:campaign_results": Own(id="campaign"),
    "messaging:send_recipients": Own(id="campaign_draft"),
    "messaging:send_file": Own(id="campaign_draft"),
    "messaging:send_reading": Own(id="campaign_draft"),
    "messaging:send_unusable": Own(id="campaign_draft"),
    "messaging:send_message": Own(id="campaign_draft"),
    "messaging:send_schedule": Own(id="campaign_draft"),
    "messaging:send_review": Own(id="campaign_draft"),
    "messaging:webhook": Own(id="webhook"),
    "messaging:webhook_test": Own(id="webhook"),
    "messaging:webhook_rotate": Own(id="webhook"),
    "messaging:webhook_switch": Own(id="webhook"),
    "messaging:webhook_remove": Own(id="webhook"),
    "messaging:webhook_replay_failed": Own(id="webhook"),
    "messaging:webhook_replay": Own(id="webhook_event"),
    "messaging:review": House(id="review"),
    "messaging:message": Own(id="message"),
    "messaging:message_reveal": Own(id="message"),
    "messaging:channel_new": Free("the name of a carrier type"),
    "messaging:channel": House(id="channel"),
    "messaging:channel_settings": House(id="channel"),
    "messaging:channel_switch": House(id="channel"),
    "messaging:channel_test": House(id="channel"),
    "messaging:route_new": House(id="channel"),
    "messaging:route_remove": House(id="channel", route_id="route"),
    "api:message": Own(id="message"),
    "api:recipient_file": Own(id="recipient_file"),
    "api:campaign": Own(id="campaign"),
    "api:campaign_pause": Own(id="campaign"),
    "api:campaign_resume": Own(id="campaign"),
    "api:campaign_cancel": Own(id="campaign"),
    "api:template": Own(id="template"),
}

#: Ids that travel in bodies.  Values of `rest` that name a THING become one of the asker's own.
GIVEN = [
    Given("accounts:switch", "organisation", "account"),
    Given("agents:account_prices", "book", "price_list", own={"id": "account"}, actor="agent"),
    Given(
        "agents:account_new", "book", "price_list", actor="agent",
        rest={"name": "New", "owner_email": "new@example.com", "kind": "customer", "country": "GB", "currency": "GBP",
              "locale": "en", "time_zone": "UTC"},
    ),
    Given("messaging:send_message", "version", "version", {"sender": "sender", "name": "Ours"}, {"id": "campaign_draft"}),
    Given("messaging:send_message", "sender", "sender", {"version": "version", "name": "Ours"}, {"id": "campaign_draft"}),
    Given("api:messages", "template", "template_approved", {"to": "+447400100001", "variables": {"name": "Ada"}}),
    Given("api:messages", "template", "version", {"to": "+447400100001", "variables": {"name": "Ada"}}),
    Given(
        "api:messages", "sender", "sender",
        {"to": "+447400100001", "template": "template_approved", "variables": {"name": "Ada"}},
    ),
    Given("api:campaigns", "file", "recipient_file", {"template": "version", "variables": {"name": {"column": "name"}}}),
    Given("api:campaigns", "template", "version", {"file": "recipient_file", "variables": {"name": {"column": "name"}}}),
]  # fmt: skip


def invitation(world: World):
    owner = make_member(world.customer).user
    with world.customer.scope(user=owner.pk):
        made, _token = invite_member(organisation=world.customer, email="new@example.com", role="sender", by=owner)
    return made.pk


def webhook_event(world: World):
    endpoint, _secret = make_webhook(world.customer)
    now = timezone.now()
    event = WebhookDelivery.objects.create(
        organisation=world.customer, endpoint=endpoint, message_id=uuid7(), event="message.delivered",
        status=WebhookDelivery.Status.FAILED, due_at=now, give_up_at=now + timedelta(hours=1),
    )  # fmt: skip
    return event.pk
