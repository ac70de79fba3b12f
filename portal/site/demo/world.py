"""The demo world, planted in one transaction: all of it or none."""

from django.conf import settings
from django.db import transaction

from accounts.actions import create_api_key, create_organisation
from accounts.models import Organisation, User
from accounts.queries import members_of, operator_id
from accounts.rules.permissions import KEY_SCOPES, Role
from agents.actions import Look, give_credit, set_commission_rule, update_brand
from agents.models import CommissionRule
from billing.packages.actions import Payment, complete_purchase, start_purchase
from kit import tenancy
from kit.errors import NotFound
from kit.money import money, to_minor
from messaging.channels.actions import add_route, create_channel, update_channel
from messaging.channels.models import Channel

from . import wordings
from .catalogue import YUAN, publish_prices, stock_packages
from .people import SignIn, join, make_person, new_password, write_sign_ins

CARRIER, TEST_NUMBERS = "Demo carrier", "Test numbers"
CHINA = {"currency": "CNY", "country": "CN", "time_zone": "Asia/Shanghai"}
BRITAIN = {"currency": "GBP", "country": "GB", "time_zone": "Europe/London"}
Kind = Organisation.Kind


def is_planted() -> bool:
    """Whether this house has its operator already."""
    try:
        operator_id()
    except NotFound:
        return False
    return True


@transaction.atomic
def plant() -> None:
    """Make the whole world and leave its sign-ins in var/.  Refused by the database where an operator is already."""
    password = new_password()
    with tenancy.as_engine():
        operator, reviewer, sign_ins = plant_operator(password)
        agent, agent_sign_ins = plant_agent(operator, password)
        customer, customer_sign_ins = plant_customer(operator, agent, reviewer, password)
        sign_ins += agent_sign_ins + customer_sign_ins + plant_neighbour(operator, reviewer, password)
    write_sign_ins(settings.VAR_DIR, sign_ins)


def plant_operator(password: str) -> tuple[Organisation, User, list[SignIn]]:
    """Signalbox itself: its team, prices in every currency, packages, channels and word list."""
    owner = make_person(email="operator@signalbox.example", name="Olive Marsh", password=password)
    operator = organisation("Signalbox", None, owner=owner, kind=Kind.OPERATOR, **CHINA)
    reviewer = make_person(email="reviewer@signalbox.example", name="Ruth Vance", password=password)
    support = make_person(email="support@signalbox.example", name="Sam Ito", password=password)
    join(operator, reviewer, Role.REVIEWER, by=owner)
    join(operator, support, Role.SUPPORT, by=owner)
    for currency in YUAN:
        publish_prices(operator, currency=currency)
    stock_packages(operator)
    wordings.watch_words(operator)
    connect_channels(operator)
    sign_ins = [
        SignIn("Operator", owner.email, password, "Channels shows the bind to the demo carrier; Accounts, the tree"),
        SignIn("Reviewer", reviewer.email, password, "Two things wait in the review queue: press A or R"),
        SignIn("Support", support.email, password, "Looks, and reveals a number with a note in the audit trail"),
    ]
    return operator, reviewer, sign_ins


def connect_channels(operator: Organisation) -> None:
    """The demo carrier for real traffic, and the simulator behind test keys."""
    with operator.scope():
        carrier = create_channel(organisation=operator, name=CARRIER, type="smpp", config=carrier_settings())
        add_route(channel=carrier)
        simulator = create_channel(organisation=operator, name=TEST_NUMBERS, type="simulator", config={})
        add_route(channel=simulator, is_test=True)


def carrier_settings() -> dict:
    """How portal/stack starts the carrier: docs/demo-carrier.md."""
    return {
        "host": "127.0.0.1",
        "port": settings.DEMO_CARRIER_PORT,
        "system_id": "demo",
        "password": "demo1234",
        "source_address": "10690000",
    }


@transaction.atomic
def point_at_carrier() -> bool:
    """Follow the demo carrier to another port; whether it had moved."""
    with tenancy.as_engine():
        channel = Channel.objects.filter(name=CARRIER, type="smpp").select_related("organisation").first()
    if channel is None or channel.config.get("port") == settings.DEMO_CARRIER_PORT:
        return False
    with channel.organisation.scope():
        update_channel(
            channel=channel, name=channel.name, config={**channel.config, "port": settings.DEMO_CARRIER_PORT},
            window=channel.window, rate_per_second=channel.rate_per_second,
        )  # fmt: skip
    return True


def plant_agent(operator: Organisation, password: str) -> tuple[Organisation, list[SignIn]]:
    """Kestrel Resale: margin over the operator's prices, commission, a brand, and a reseller of its own below."""
    owner = make_person(email="agent@kestrel.example", name="Kit Falconer", password=password)
    agent = organisation("Kestrel Resale", operator, owner=owner, kind=Kind.AGENT, **CHINA)
    publish_prices(agent, currency="CNY", markup="1.25")
    publish_prices(agent, currency="GBP", markup="1.20")
    with operator.downline_scope():
        set_commission_rule(seller=operator, agent=agent, basis=CommissionRule.Basis.TRAFFIC, basis_points=500)
        set_commission_rule(seller=operator, agent=agent, basis=CommissionRule.Basis.PACKAGES, basis_points=1_000)
    with agent.scope():
        update_brand(organisation=agent, look=Look(name="Kestrel", host="kestrel.localhost", colour="#0f6b62"))
    top_up(agent, "20000.00", by=owner)
    plant_subagent(agent, password, given_by=owner)
    return agent, [
        SignIn("Agent", owner.email, password, "Home shows the month's margin; Accounts, who sends how much"),
    ]


def plant_subagent(agent: Organisation, password: str, *, given_by: User) -> None:
    """Merlin Mobile resells what Kestrel sells it, to Skylark Travel."""
    owner = make_person(email="agent@merlin.example", name="Mel Arden", password=password)
    subagent = organisation("Merlin Mobile", agent, owner=owner, kind=Kind.AGENT, **CHINA)
    publish_prices(subagent, currency="CNY", markup="1.40")
    buyer = make_person(email="owner@skylark.example", name="Skye Lund", password=password)
    organisation("Skylark Travel", subagent, owner=buyer, **CHINA)
    grant(agent, subagent, "500.00", by=given_by)


def plant_customer(
    operator: Organisation, agent: Organisation, reviewer: User, password: str
) -> tuple[Organisation, list[SignIn]]:
    """Meadowlark Retail: the customer to try things as, with senders, templates, money and keys."""
    owner = make_person(email="demo@meadowlark.example", name="Jo Meadow", password=password)
    customer = organisation("Meadowlark Retail", agent, owner=owner, **CHINA)
    grant(agent, customer, "8000.00", by=members_of(agent)[0].user)
    texts = (
        wordings.SHIPPED,
        wordings.SHIPPED_ZH,
        wordings.SHIPPED_TO,
        wordings.CODE,
        wordings.MEMBERS_DAY,
    )
    reviews = [wordings.submit(customer, text, author=owner) for text in texts]
    reviews += [
        wordings.submit_name(customer, kind="signature", name="百灵零售", author=owner),
        wordings.submit_name(customer, kind="alphanumeric", name="Meadowlark", author=owner),
    ]
    wordings.approve_all(operator, reviews, by=reviewer)
    wordings.send_back(operator, wordings.submit(customer, wordings.WINTER_SALE, author=owner), by=reviewer)
    sign_ins = [SignIn("Customer", owner.email, password, "New message, with docs/samples/recipients-gb18030.csv")]
    return customer, sign_ins + make_keys(customer, owner)


def make_keys(customer: Organisation, owner: User) -> list[SignIn]:
    with customer.scope():
        live = create_api_key(organisation=customer, name="Shop", is_live=True, scopes=KEY_SCOPES, by=owner)[1]
        test = create_api_key(organisation=customer, name="Try-outs", is_live=False, scopes=KEY_SCOPES, by=owner)[1]
    return [
        SignIn("API key, live", customer.name, live, "bin/demo sends a campaign with it", kind="live_key"),
        SignIn("API key, test", customer.name, test, "Never reaches a carrier: see /docs/", kind="test_key"),
    ]


def plant_neighbour(operator: Organisation, reviewer: User, password: str) -> list[SignIn]:
    """Harbourline: another customer, who must never see anything of the first, with work for the reviewer."""
    owner = make_person(email="owner@harbourline.example", name="Hal Quay", password=password)
    neighbour = organisation("Harbourline", operator, owner=owner, **BRITAIN)
    top_up(neighbour, "50.00", by=owner)
    first = wordings.submit(neighbour, wordings.PICK_UP, author=owner)
    wordings.approve_all(operator, [first], by=reviewer)
    wordings.submit(neighbour, wordings.SPRING_OFFER, author=owner)
    wordings.submit_name(neighbour, kind="alphanumeric", name="Harbourline", author=owner)
    return [SignIn("Other customer", owner.email, password, "Sees nothing of Meadowlark's")]


def organisation(name: str, parent: Organisation | None, *, owner: User, **fields) -> Organisation:
    made = create_organisation(name=name, parent=parent, owner=owner, status=Organisation.Status.ACTIVE, **fields)
    made.refresh_from_db()
    return made


def top_up(buyer: Organisation, amount: str, *, by: User) -> None:
    """Pay money in, as the payment service would report it."""
    with buyer.scope():
        purchase = start_purchase(organisation=buyer, amount=money(amount), by=by)
    complete_purchase(
        payment=Payment(
            purchase_id=purchase.pk,
            amount=to_minor(money(amount)),
            currency=buyer.currency.lower(),
            is_live=purchase.is_live,
            session_reference=f"demo_{purchase.pk}",
            payment_reference=f"demo_{purchase.pk}",
        )
    )


def grant(source: Organisation, target: Organisation, amount: str, *, by: User) -> None:
    """Credit from a reseller's wallet to an account below it."""
    with source.downline_scope():
        give_credit(agent=source, account=target, amount=money(amount), by=by, reference=f"demo:{target.pk}")
