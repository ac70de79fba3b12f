from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tests.factories import make_agent, make_customer, make_operator
from billing.pricing import quotes
from billing.pricing.actions import Asked, assign_price_book, create_price_book, set_prices
from billing.pricing.errors import NegativeMargin, NoPrice, NotYourBuyer
from billing.pricing.models import Price, Quote
from billing.pricing.quotes import prices_now, quotes_for
from kit import tenancy
from kit.errors import Invalid
from kit.money import money
from kit.tests.history import ROLES, expect_refusal
from kit.tests.racing import race_often
from kit.tests.undone import undone

from .factories import make_price_book, price_world

GB = ("GB", "notice")


@pytest.fixture
def house(db):
    house = make_operator()
    price_world(house)
    return house


@pytest.fixture(autouse=True)
def nothing_remembered():
    quotes.forget_quotes()
    yield
    quotes.forget_quotes()


def quote_of(organisation, destination=GB):
    return quotes_for(organisation, {destination})[destination]


def test_a_direct_customer_pays_the_house(house):
    customer = make_customer()

    with customer.scope():
        quote = quote_of(customer)

    assert (quote.price, quote.platform_part, quote.agents, quote.platform) == (money("0.03"), money("0.03"), [], house)


def test_an_agent_earns_its_margin_at_any_depth(house):
    top = make_agent()
    middle = make_agent(parent=top)
    customer = make_customer(parent=middle)
    make_price_book(top, {"notice": "0.04"}, is_default=True)
    make_price_book(middle, {"notice": "0.055"}, is_default=True)

    with customer.scope():
        quote = quote_of(customer)

    assert quote.price == money("0.055")
    assert quote.platform_part == money("0.03")
    assert quote.agents == [middle.pk, top.pk]
    assert quote.agent_parts == [money("0.015"), money("0.01")]


def test_an_agent_without_prices_passes_on_its_own(house):
    customer = make_customer(parent=make_agent())

    assert quote_of(customer).price == money("0.03")
    assert quote_of(customer).agents == []


def test_the_book_a_buyer_was_given_comes_before_the_default_one(house):
    agent = make_agent()
    customer = make_customer(parent=agent)
    make_price_book(agent, {"notice": "0.04"}, is_default=True)
    special = make_price_book(agent, {"notice": "0.035"}, name="Special")

    assign_price_book(organisation=customer, book=special)

    assert quote_of(customer).price == money("0.035")
    assert quote_of(customer, ("GB", "promotion")).price == money("0.034")


def test_the_exact_country_comes_before_every_other(house):
    customer = make_customer()
    book = make_price_book(house, {("US", "notice"): "0.05", "notice": "0.02"}, name="Special")
    assign_price_book(organisation=customer, book=book)

    found = quotes_for(customer, {("US", "notice"), ("FR", "notice")})

    assert {country: quote.price for (country, _), quote in found.items()} == {
        "US": money("0.05"),
        "FR": money("0.02"),
    }


def test_the_latest_price_that_has_begun_counts(house):
    customer = make_customer()
    book = create_price_book(organisation=house, name="Dated")
    assign_price_book(organisation=customer, book=book)
    now = timezone.now()
    for days, amount in [(-20, "0.01"), (-10, "0.02"), (10, "0.09")]:
        set_prices(book=book, prices=[Asked("", "notice", money(amount))], effective_from=now + timedelta(days=days))

    assert prices_now(customer, {GB}) == {GB: money("0.02")}


def test_a_price_change_makes_a_new_quote_and_leaves_the_old(house):
    customer = make_customer()
    book = make_price_book(house, {"notice": "0.05"}, name="Special")
    assign_price_book(organisation=customer, book=book)
    old = quote_of(customer)

    set_prices(book=book, prices=[Asked("", "notice", money("0.06"))])
    new = quote_of(customer)
    set_prices(book=book, prices=[Asked("", "notice", money("0.05"))])

    assert (old.price, new.price) == (money("0.05"), money("0.06"))
    assert quote_of(customer).pk == old.pk
    assert Quote.objects.get(pk=old.pk).price == money("0.05")


def test_a_rise_of_the_house_eats_the_margin_and_never_makes_it_negative(house):
    agent = make_agent()
    customer = make_customer(parent=agent)
    make_price_book(agent, {"notice": "0.04"}, is_default=True)
    book = make_price_book(house, {"notice": "0.05"}, name="Dearer")

    assign_price_book(organisation=agent, book=book)

    quote = quote_of(customer)
    assert (quote.price, quote.platform_part, quote.agents) == (money("0.05"), money("0.05"), [])


@pytest.mark.parametrize(
    "_case, fields, destination",
    [
        ("no book in the currency", {"currency": "USD"}, GB),
        ("no such category", {}, ("GB", "carrier_pigeon")),
    ],
)
def test_without_a_price_the_country_is_named(house, _case, fields, destination):
    customer = make_customer(**fields)

    with pytest.raises(NoPrice) as refusal:
        quote_of(customer, destination)

    assert refusal.value.details["country"] == "GB"
    assert not Quote.objects.exists()


def test_every_currency_has_its_own_chain(house):
    agent = make_agent(currency="GBP")
    customer = make_customer(parent=agent, currency="CNY")
    make_price_book(agent, {"notice": "0.20"}, currency="CNY", is_default=True)

    quote = quote_of(customer)

    assert (quote.currency, quote.price, quote.agent_parts) == ("CNY", money("0.20"), [money("0.17")])


def test_a_price_below_ones_own_cost_is_refused(house):
    agent = make_agent()
    book = create_price_book(organisation=agent, name="Loss")

    with agent.scope(), pytest.raises(NegativeMargin) as refusal:
        set_prices(book=book, prices=[Asked("", "promotion", money("0.05")), Asked("GB", "notice", money("0.029999"))])

    assert refusal.value.details == {"country": "GB", "category": "notice", "price": "0.029999", "cost": "0.03"}
    assert not Price.objects.filter(book=book).exists()


def test_at_cost_an_agent_may_sell(house):
    agent = make_agent()
    book = create_price_book(organisation=agent, name="Fair")

    with agent.scope():
        set_prices(book=book, prices=[Asked("", "notice", money("0.03"))])

    assert Price.objects.get(book=book).micros == money("0.03")


@pytest.mark.parametrize("asked", [Asked("", "notice", -1), Asked("", "pigeon", 1)])
def test_a_price_that_makes_no_sense_is_refused(house, asked):
    book = create_price_book(organisation=house, name="Odd")

    with pytest.raises(Invalid):
        set_prices(book=book, prices=[asked])


def test_a_book_goes_only_to_ones_own_buyers_in_its_currency(house):
    agent = make_agent()
    book = make_price_book(agent, {"notice": "0.04"})

    for stranger in (
        make_customer(),
        make_customer(parent=make_agent(parent=agent)),
        make_customer(parent=agent, currency="CNY"),
    ):
        with pytest.raises(NotYourBuyer):
            assign_price_book(organisation=stranger, book=book)


def test_a_new_default_takes_the_old_ones_place(house):
    customer = make_customer()

    make_price_book(house, {"notice": "0.01"}, is_default=True)

    assert quote_of(customer).price == money("0.01")


def test_the_buyer_never_sees_what_its_seller_pays(house):
    agent = make_agent()
    customer = make_customer(parent=agent)
    make_price_book(agent, {"notice": "0.04"}, is_default=True)

    with customer.scope():
        quote_of(customer)

        assert not Price.objects.exists()


def test_asking_again_takes_two_statements(house, django_assert_num_queries):
    customer = make_customer()
    quote_of(customer)

    with tenancy.with_upline(customer.pk, path=customer.path), django_assert_num_queries(2):
        quote_of(customer)


@pytest.mark.django_db(transaction=True)
def test_committed_quotes_are_remembered_for_two_seconds(django_assert_num_queries, monkeypatch):
    house = make_operator()
    price_world(house)
    customer = make_customer()
    quote = quote_of(customer)
    moment = quotes.time.monotonic()

    with django_assert_num_queries(0):
        assert quote_of(customer) == quote
    monkeypatch.setattr(quotes.time, "monotonic", lambda: moment + 2.1)
    with CaptureQueriesContext(connection) as asked:
        assert quote_of(customer) == quote
    assert len(asked) > 0


@pytest.mark.django_db(transaction=True)
def test_a_quote_whose_transaction_was_undone_is_not_remembered():
    house = make_operator()
    price_world(house)
    customer = make_customer()

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        undone = quote_of(customer)
        raise ZeroDivisionError

    assert Quote.objects.filter(pk=quote_of(customer).pk).exists()
    assert quote_of(customer).pk != undone.pk


@pytest.mark.django_db(transaction=True)
def test_all_at_once_get_one_and_the_same_quote(monkeypatch):
    house = make_operator()
    price_world(house)
    customer = make_customer()
    monkeypatch.setattr(quotes, "_FRESH_SECONDS", -1)
    found = []

    def attempt(number, turn):
        with customer.scope():
            found.append(quote_of(customer).pk)
        return True

    race_often(attempt, tries=1)

    assert len(set(found)) == 1
    assert Quote.objects.count() == 1


@pytest.mark.parametrize("statement", ["UPDATE pricing_quote SET price = 1", "DELETE FROM pricing_quote"])
@pytest.mark.parametrize("role", ROLES)
def test_a_quote_never_changes(house, role, statement):
    quote_of(make_customer())

    expect_refusal(statement, role=role)


@pytest.mark.parametrize(
    "_case, wrong",
    [
        ("parts that don't add up", {"agent_parts": [1]}),
        ("a negative margin", {"price": 99, "agent_parts": [-1]}),
        ("an agent without a part", {"price": 100, "agent_parts": []}),
    ],
)
def test_the_database_itself_refuses_a_quote_that_does_not_add_up(house, _case, wrong):
    agent = make_agent()
    facts = {"price": 102, "platform_part": 100, "agents": [agent.pk], "agent_parts": [2], **wrong}

    with pytest.raises(IntegrityError), transaction.atomic():
        Quote.objects.create(
            organisation=agent,
            country="GB",
            category="notice",
            currency="GBP",
            platform=house,
            fingerprint="x",
            **facts,
        )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.one_of(st.none(), st.integers(0, 90_000)), min_size=1, max_size=5))
def test_price_is_cost_and_margins_at_any_depth_whatever_is_asked(house, asked):
    with undone():
        seller = house
        for micros in asked:
            buyer = make_agent(parent=seller)
            if micros is not None:
                book = create_price_book(organisation=seller, name="Any")
                Price.objects.create(
                    organisation=seller, book=book, category="notice", micros=micros, effective_from=timezone.now()
                )
                assign_price_book(organisation=buyer, book=book)
            seller = buyer

        quote = quote_of(buyer)

        assert quote.price == quote.platform_part + sum(quote.agent_parts)
        assert min(quote.agent_parts, default=0) >= 0
        assert quote.fingerprint == quotes.fingerprint_of(quote)
