"""Every page of a reseller: what it shows, to whom, and that it stays cheap."""

from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.actions import suspend_organisation
from accounts.models import AuditEntry, Organisation
from accounts.tests.factories import make_agent, make_customer, make_member, signed_in
from agents.actions import accrue_recent_commission
from agents.models import CommissionRule
from billing.ledger.actions import hold
from billing.ledger.models import Account
from billing.ledger.queries import wallet_of
from billing.ledger.tests.factories import fund
from billing.pricing.models import Price, PriceAssignment
from billing.pricing.tests.factories import make_price_book
from kit.money import money
from messaging.engine.tests.factories import make_world

from .factories import PACKAGES, buy, deliver, earns, make_chain, pot, refund

pytestmark = pytest.mark.django_db
MARGIN, COMMISSION = Account.Kind.MARGIN, Account.Kind.COMMISSION
OWN_PAGES = ("accounts", "accounts_csv", "account_new", "prices", "price_list_new", "brand", "palette")
STATEMENTS = ("statement", "statement_csv")
ACCOUNT_PAGES = ("account", "account_suspend", "account_resume", "account_statement", "account_statement_csv")
ACCOUNT_FORMS = ("account_credit", "account_prices", "account_commission", "account_suspend", "account_resume")


def page(client, name, /, *ids, **query):
    return client.get(reverse(f"agents:{name}", args=ids), query)


def send(client, name, /, *ids, **data):
    return client.post(reverse(f"agents:{name}", args=ids), data)


@pytest.fixture
def world():
    return make_world()


# --- who sees what


def answers(client, names=OWN_PAGES) -> set[int]:
    return {page(client, name).status_code for name in names}


def test_an_agent_opens_its_own_pages(world):
    assert answers(signed_in(world.agent), [*OWN_PAGES, *STATEMENTS]) == {200}


def test_the_operator_has_the_same_pages_but_no_statement(world):
    assert answers(signed_in(world.operator)) == {200}
    assert answers(signed_in(world.operator), STATEMENTS) == {404}


def test_a_customer_has_none_of_them():
    assert answers(signed_in(make_customer()), [*OWN_PAGES, *STATEMENTS]) == {404}


def test_a_visitor_is_asked_to_sign_in(client):
    assert answers(client, [*OWN_PAGES, *STATEMENTS]) == {302}


def strangers(agent) -> list[Organisation]:
    """Everybody an agent must not see: itself as its own account, who is above, beside, and below who is beside."""
    beside = make_agent()
    return [agent, agent.parent, beside, make_customer(parent=beside), make_customer()]


def test_who_is_above_or_beside_is_not_found():
    chain = make_chain(2)
    client = signed_in(chain.agents[1])
    hidden = [one.pk for one in [*strangers(chain.agents[1]), chain.agents[0]]] + [uuid4()]

    assert {page(client, name, id).status_code for name in ACCOUNT_PAGES for id in hidden} == {404}


def test_nothing_is_done_to_who_is_above_or_beside():
    chain = make_chain(2)
    client = signed_in(chain.agents[1])
    data = {"direction": "take", "amount": "1", "token": uuid4(), "reason": "x", "traffic": 1, "packages": 1}
    hidden = [one.pk for one in [*strangers(chain.agents[1]), chain.agents[0]]]

    assert {send(client, name, id, **data).status_code for name in ACCOUNT_FORMS for id in hidden} == {404}
    assert not AuditEntry.objects.exclude(action="organisation.created").exists()
    assert not Organisation.objects.filter(is_stopped=True).exists()
    assert not CommissionRule.objects.exists()


def test_a_customer_and_a_reseller_without_the_role_change_nothing():
    chain = make_chain(1)
    reader = signed_in(chain.agents[0], "read_only")

    assert page(reader, "accounts").status_code == 200
    assert page(reader, "account_new").status_code == 403
    for name in ACCOUNT_FORMS:
        assert send(reader, name, chain.customer.pk, amount="1", reason="x").status_code == 403


def test_another_agents_price_list_is_not_found(world):
    theirs = make_price_book(make_agent(), {"notice": "0.05"})
    client = signed_in(world.agent)

    assert page(client, "price_list", theirs.pk).status_code == 404
    assert send(client, "price_list_publish", theirs.pk, do="publish", **{"other-notice": "0.09"}).status_code == 404
    assert send(client, "account_prices", world.customer.pk, book=theirs.pk).status_code == 422


# --- the tree


def test_the_tree_shows_volume_revenue_margin_and_balance(world):
    deliver(world, 3)

    shown = page(signed_in(world.agent), "accounts").content.decode()

    assert world.customer.name in shown
    assert "£0.12" in shown  # revenue: 3 × £0.04
    assert "£0.03" in shown  # margin: 3 × £0.01
    assert "£9.88" in shown  # balance
    assert "£0.0400" in shown
    assert "25.0%" in shown


def test_an_agent_never_sees_what_its_seller_pays_or_a_neighbours_name():
    chain, neighbour = make_chain(2), make_agent(name="Somebody Else Ltd")
    make_customer(parent=neighbour, name="Their Customer")
    make_price_book(chain.operator, {"notice": "0.0123"}, is_default=True)
    make_price_book(chain.agents[0], {"notice": "0.0456"}, is_default=True)

    shown = page(signed_in(chain.agents[1]), "accounts").content.decode()

    assert "£0.0456" in shown
    for hidden in ("0.0123", "Somebody Else", "Their Customer", chain.agents[0].name):
        assert hidden not in shown


def test_the_tree_costs_the_same_number_of_queries_however_large_it_is(world):
    client = signed_in(world.agent)
    page(client, "accounts")
    with CaptureQueriesContext(connection) as small:
        page(client, "accounts")
    parent = world.agent
    for _level in range(3):
        parent = make_agent(parent=parent)
        for _one in range(4):
            fund(make_customer(parent=parent), "1.00")

    with CaptureQueriesContext(connection) as large:
        page(client, "accounts")

    assert len(large) == len(small) <= 40


def test_a_branch_folds_and_unfolds(world):
    below = make_agent(parent=world.agent, name="Below Ltd")
    make_customer(parent=below, name="Deep Customer")
    client = signed_in(world.agent)

    assert "Deep Customer" in page(client, "accounts").content.decode()
    folded = client.get(
        reverse("agents:accounts"), {"toggled": below.pk.hex[-12:]}, headers={"HX-Request": "true"}
    ).content.decode()

    assert "Below Ltd" in folded
    assert "Deep Customer" not in folded
    assert "<html" not in folded


@pytest.mark.parametrize(
    "_case, query, shown", [("name", {"q": "alp"}, {"Alpha"}), ("status", {"status": "stopped"}, {"Beta"}), ("none", {"q": "zz"}, set())]
)  # fmt: skip
def test_the_list_is_filtered(world, _case, query, shown):
    for name in ("Alpha", "Beta"):
        make_customer(parent=world.agent, name=name)
    owner = make_member(world.agent).user
    with world.agent.downline_scope():
        suspend_organisation(organisation=Organisation.objects.get(name="Beta"), by=owner, reason="unpaid")

    text = page(signed_in(world.agent), "accounts", **query).content.decode()

    table = text[text.index('id="accounts"') :]
    table = table[: table.index("</section>")]
    assert {name for name in ("Alpha", "Beta") if f">{name}<" in table} == shown


def test_odd_addresses_show_a_page(world):
    client = signed_in(world.agent)

    for query in ({"toggled": "%00,,'"}, {"page": "99"}, {"page": "x", "view": "list"}, {"q": "\x00"}, {"status": "x"}):
        assert page(client, "accounts", **query).status_code == 200


# --- a new account


NEW = {
    "name": "Alder & Co",
    "owner_email": "owner@alder.example",
    "kind": "customer",
    "country": "GB",
    "currency": "GBP",
    "locale": "en",
    "time_zone": "Europe/London",
    "book": "",
    "opening_credit": "",
}


def test_an_account_is_opened_with_its_invitation_list_and_credit(world, django_capture_on_commit_callbacks):
    fund(world.agent, "100.00")
    volume = make_price_book(world.agent, {"notice": "0.035"}, name="Volume")

    with django_capture_on_commit_callbacks(execute=True):
        answer = send(signed_in(world.agent), "account_new", **{**NEW, "book": volume.pk, "opening_credit": "25.50"})

    account = Organisation.objects.get(name="Alder & Co")
    assert answer.url == reverse("agents:account", args=[account.pk])
    assert (account.parent, account.status) == (world.agent, "active")
    assert PriceAssignment.objects.get(organisation=account).book == volume
    assert wallet_of(account).balance == money("25.50")
    assert wallet_of(world.agent).balance == money("74.50")
    [letter] = mail.outbox
    assert letter.to == ["owner@alder.example"]
    assert "/invitations/" in letter.body


def test_too_much_opening_credit_opens_nothing(world):
    answer = send(signed_in(world.agent), "account_new", **{**NEW, "opening_credit": "25.50"})

    assert answer.status_code == 200
    assert answer.context["form"].errors["opening_credit"]
    assert not Organisation.objects.filter(name="Alder & Co").exists()


UNUSABLE = [
    ("kind", "operator"), ("currency", "XXX"), ("owner_email", "no"), ("name", ""), ("name", "a\x00b"), ("book", "x"),
    ("opening_credit", "1e400"), ("opening_credit", "NaN"), ("opening_credit", "-1"), ("time_zone", "Mars/Base"),
]  # fmt: skip


def test_an_unusable_field_is_named():
    client = signed_in(make_agent())

    for field, value in UNUSABLE:
        answer = send(client, "account_new", **{**NEW, field: value})
        assert list(answer.context["form"].errors) == [field]

    assert not Organisation.objects.filter(name__startswith="Alder").exists()


def test_another_agents_list_cannot_be_given_to_a_new_account(world):
    theirs = make_price_book(make_agent(), {"notice": "0.05"})

    answer = send(signed_in(world.agent), "account_new", **{**NEW, "book": theirs.pk})

    assert answer.context["form"].errors["book"]


def test_an_admin_opens_accounts_but_gives_no_credit(world):
    fund(world.agent, "100.00")

    send(signed_in(world.agent, "admin"), "account_new", **{**NEW, "opening_credit": "25.50"})

    assert wallet_of(Organisation.objects.get(name="Alder & Co")).balance == 0


# --- credit


def credit(client, account, amount, direction="give", token=None):
    return send(client, "account_credit", account.pk, direction=direction, amount=amount, token=token or uuid4())


def test_credit_sent_twice_moves_once(world):
    fund(world.agent, "100.00")
    client, token = signed_in(world.agent), uuid4()

    for _click in range(2):
        assert credit(client, world.customer, "30", token=token).status_code == 302

    assert wallet_of(world.customer).balance == money("40.00")
    assert AuditEntry.objects.filter(organisation=world.customer, action="credit.given").count() == 1
    assert AuditEntry.objects.filter(organisation=world.agent, action="credit.given").count() == 1


def test_the_same_token_with_another_amount_is_refused(world):
    fund(world.agent, "100.00")
    client, token = signed_in(world.agent), uuid4()
    credit(client, world.customer, "30", token=token)

    assert credit(client, world.customer, "31", token=token).status_code == 422
    assert wallet_of(world.customer).balance == money("40.00")


def test_an_unusable_amount_moves_nothing(world):
    fund(world.agent, "100.00")
    client = signed_in(world.agent)

    for amount in ("0", "-5", "", "x", "1e3000", "0.001", "NaN", "Infinity", "99999999999999999"):
        answer = credit(client, world.customer, amount)
        assert answer.status_code == 422
        assert answer.context["credit_form"].errors["amount"]

    assert wallet_of(world.agent).balance == money("100.00")


def test_more_than_the_wallet_holds_is_refused_at_the_field(world):
    answer = credit(signed_in(world.agent), world.customer, "0.01")

    assert answer.context["credit_form"].errors["amount"]


def test_credit_comes_back_up_to_what_was_given_and_is_still_there(world):
    fund(world.agent, "100.00")
    client = signed_in(world.agent)
    credit(client, world.customer, "20")  # beside the 10.00 the customer paid in itself

    assert credit(client, world.customer, "20.01", "take").status_code == 422
    assert credit(client, world.customer, "15", "take").status_code == 302
    assert credit(client, world.customer, "5.01", "take").status_code == 422

    assert wallet_of(world.customer).balance == money("15.00")
    assert wallet_of(world.agent).balance == money("95.00")


def test_what_is_spent_cannot_be_taken_back_not_even_into_a_credit_line():
    chain = make_chain(1)
    fund(chain.agents[0], "10.00")
    client = signed_in(chain.agents[0])
    credit(client, chain.customer, "10")
    Account.objects.filter(organisation=chain.customer, kind="wallet").update(floor=-money("50"))
    with chain.customer.scope():
        hold(organisation=chain.customer, currency="GBP", amount=money("8"), reference="x")

    assert credit(client, chain.customer, "2.01", "take").status_code == 422
    assert credit(client, chain.customer, "2.00", "take").status_code == 302


def test_credit_is_taken_back_from_direct_accounts_only():
    chain = make_chain(2)
    fund(chain.agents[0], "10.00")
    client = signed_in(chain.agents[0])
    credit(client, chain.customer, "5")

    assert credit(client, chain.customer, "1", "take").status_code == 422
    assert wallet_of(chain.customer).balance == money("5.00")


def test_the_operator_gives_from_its_promotion_pot():
    chain = make_chain(1)

    assert credit(signed_in(chain.operator), chain.agents[0], "500").status_code == 302
    assert wallet_of(chain.agents[0]).balance == money("500.00")
    assert pot(chain.operator, Account.Kind.PROMOTION) == -money("500.00")


# --- stopping


def test_an_account_is_stopped_with_a_reason_and_works_again(world):
    client = signed_in(world.agent)

    assert send(client, "account_suspend", world.customer.pk, reason="").status_code == 422
    assert send(client, "account_suspend", world.customer.pk, reason="Unpaid since May").status_code == 302
    world.customer.refresh_from_db()
    assert world.customer.is_stopped
    assert AuditEntry.objects.get(action="organisation.suspended").after["reason"] == "Unpaid since May"

    assert send(client, "account_resume", world.customer.pk, reason="Paid").status_code == 302
    world.customer.refresh_from_db()
    assert not world.customer.is_stopped


def test_an_agent_cannot_undo_what_the_operator_stopped(world):
    send(signed_in(world.operator), "account_suspend", world.customer.pk, reason="Abuse")

    assert send(signed_in(world.agent), "account_resume", world.customer.pk, reason="Please").status_code == 422
    world.customer.refresh_from_db()
    assert world.customer.is_stopped

    assert send(signed_in(world.operator), "account_resume", world.customer.pk, reason="Cleared").status_code == 302


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
    assert Price.objects.filter(book=book).count() == 1


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


# --- statements


def test_a_statement_is_the_ledger(world):
    earns(world.agent, 500)
    earns(world.agent, 1_000, basis=PACKAGES)
    deliver(world, 2)
    refund(buy(world.customer, "20.00"), "20.00")
    buy(world.customer, "5.00")
    accrue_recent_commission()

    [total] = page(signed_in(world.agent), "statement").context["statement"].totals

    assert total.margin == pot(world.agent, MARGIN) == money("0.02")
    assert total.commission == pot(world.agent, COMMISSION) == money("0.504")
    assert (total.on_traffic, total.on_packages, total.taken_back) == (money("0.004"), money("2.5"), -money("2"))


def test_the_operator_sees_the_statement_of_a_reseller(world):
    deliver(world)

    answer = page(signed_in(world.operator), "account_statement", world.agent.pk)

    assert answer.context["statement"].totals[0].margin == money("0.01")


def test_an_agent_above_sees_the_statement_below_and_not_the_other_way_round():
    chain = make_chain(2)
    earns(chain.agents[0], 700, basis=PACKAGES)
    earns(chain.agents[1], 300, basis=PACKAGES)
    buy(chain.customer, "100.00")
    accrue_recent_commission()

    above = page(signed_in(chain.agents[0]), "account_statement", chain.agents[1].pk).context["statement"]
    own = page(signed_in(chain.agents[1]), "statement").context["statement"]

    assert [one.commission for one in above.totals] == [one.commission for one in own.totals] == [money("3.00")]


def test_a_month_that_is_none_is_not_found():
    client = signed_in(make_agent())

    for month in ("2026-13", "x", "2026", "١٢٣٤-٠١", "9999999-01", "2026-1", "", "2026-11\n"):
        assert page(client, "statement", month=month).status_code == 404


def test_a_month_without_earnings_says_so(world):
    answer = page(signed_in(world.agent), "statement", month="2020-02")

    assert answer.status_code == 200
    assert answer.context["statement"].lines == []


def test_the_file_runs_in_no_spreadsheet(world):
    Organisation.objects.filter(pk=world.customer.pk).update(name='=HYPERLINK("http://evil.example")')
    deliver(world)

    lines = b"".join(page(signed_in(world.agent), "statement_csv").streaming_content).decode().splitlines()

    assert lines[1].startswith("\"'=HYPERLINK(")
    assert ",0.01," in lines[1]
