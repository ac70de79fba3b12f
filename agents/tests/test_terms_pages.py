"""What a reseller asks of those below, and leaves to them: prices and commission."""

import html

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.rules.permissions import Role
from accounts.tests.factories import signed_in
from agents.models import CommissionRule
from agents.queries import price_lines
from billing.pricing.models import Price, PriceAssignment
from kit.money import money

from .factories import make_chain
from .pages import page, send

pytestmark = pytest.mark.django_db


# --- commission


def test_a_seller_sets_the_commission_of_a_reseller_below():
    chain = make_chain(2)

    assert (
        send(
            signed_in(chain.agents[0]), "account_commission", chain.agents[1].pk, traffic="5", packages="2.5"
        ).status_code
        == 302
    )

    rules = CommissionRule.objects.values_list("basis", "basis_points", "paid_by")
    assert set(rules) == {("traffic", 500, chain.agents[0].pk), ("packages", 250, chain.agents[0].pk)}


def test_a_share_is_a_percentage():
    chain = make_chain(1)
    client = signed_in(chain.operator)

    for share in ("101", "-1", "x", "5.555", "NaN", ""):
        answer = send(client, "account_commission", chain.agents[0].pk, traffic=share, packages="0")
        assert answer.status_code == 422
        assert answer.context["commission_form"].errors["traffic"]

    assert not CommissionRule.objects.exists()


def test_a_customer_or_somebody_elses_reseller_gets_no_commission():
    chain = make_chain(2)

    for account in (chain.customer, chain.agents[1]):
        answer = send(signed_in(chain.operator), "account_commission", account.pk, traffic="5", packages="0")
        assert answer.status_code == 422
    assert not CommissionRule.objects.exists()


# --- prices


def test_a_price_list_keeps_its_query_budget(world, django_assert_max_num_queries):
    client = signed_in(world.agent)
    client.get(reverse("agents:prices"))

    with django_assert_max_num_queries(21):
        assert client.get(reverse("agents:prices")).status_code == 200


def test_changes_are_shown_before_they_are_published(world):
    client = signed_in(world.agent)
    [book] = page(client, "prices").context["lists"]
    filled = {"other-notice": "0.045", "other-promotion": ""}

    shown = send(client, "price_list_publish", book.pk, do="preview", **filled)

    assert shown.context["form"].changes()[0][1] == money("0.045")
    assert "£0.0400" in shown.content.decode()
    assert Price.objects.filter(book=book).count() == 1

    assert send(client, "price_list_publish", book.pk, do="publish", **filled).status_code == 302
    assert Price.objects.filter(book=book).order_by("-pk").first().micros == money("0.045")


def test_a_price_below_cost_is_refused_at_its_field(world):
    client = signed_in(world.agent)
    book = page(client, "prices").context["book"]

    answer = send(client, "price_list_publish", book.pk, do="publish", **{"other-notice": "0.0299"})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["other-notice"]
    assert '<div id="id_other-notice_error"><p class="err">' in answer.content.decode()
    assert answer.content.decode().count('class="ag-wrong"') == 1
    assert Price.objects.filter(book=book).count() == 1


def test_who_may_look_alone_sees_prices_and_no_fields(world):
    client = signed_in(world.agent, role=Role.READ_ONLY)

    shown = page(client, "prices").content.decode()

    assert '<td role="cell" class="n" data-l="You ask">£0.0400</td>' in shown
    assert 'class="field ag-price"' not in shown


def test_prices_begin_when_they_are_told_to(world):
    client = signed_in(world.agent)
    book = page(client, "prices").context["book"]
    tomorrow = (timezone.now() + timezone.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")

    assert (
        send(
            client,
            "price_list_publish",
            book.pk,
            do="publish",
            effective_from="2020-01-01T00:00",
            **{"other-notice": "0.05"},
        )
        .context["form"]
        .errors["effective_from"]
    )
    send(client, "price_list_publish", book.pk, do="publish", effective_from=tomorrow, **{"other-notice": "0.05"})

    [line] = [
        one for one in page(client, "prices").context["form"].lines if one.category == "notice" and not one.country
    ]
    assert (line.price, line.next_price) == (money("0.04"), money("0.05"))
    assert "Notice · £0.0500 from " in html.unescape(page(client, "prices").content.decode())


def test_of_several_prices_the_newest_that_has_begun_holds_and_the_next_is_announced(world):
    client = signed_in(world.agent)
    book = page(client, "prices").context["book"]
    now = timezone.now()
    for days, price in ((-3, "0.05"), (-1, "0.06"), (2, "0.07"), (4, "0.08")):
        Price.objects.create(
            organisation=world.agent, book=book, country="DE", category="notice", micros=money(price),
            effective_from=now + timezone.timedelta(days=days),
        )  # fmt: skip

    with world.agent.downline_scope():
        [line] = [one for one in price_lines(world.agent, book) if (one.country, one.category) == ("DE", "notice")]

    assert (line.price, line.next_price) == (money("0.06"), money("0.07"))
    assert line.next_from == now + timezone.timedelta(days=2)


def test_a_country_gets_prices_of_its_own(world):
    client = signed_in(world.agent)
    book = page(client, "prices").context["book"]

    assert "DE-notice" in page(client, "prices", country="DE").context["form"].fields
    client.post(
        reverse("agents:price_list_publish", args=[book.pk]) + "?country=DE", {"do": "publish", "DE-notice": "0.08"}
    )

    assert Price.objects.get(book=book, country="DE").micros == money("0.08")


def test_a_new_list_is_made_and_given_to_an_account(world):
    client = signed_in(world.agent)

    answer = send(client, "price_list_new", name="Volume", currency="GBP")
    book = answer.url.rstrip("/").rsplit("/", 1)[1]
    assert send(client, "account_prices", world.customer.pk, book=book).status_code == 302

    assert str(PriceAssignment.objects.get(organisation=world.customer).book_id) == book
