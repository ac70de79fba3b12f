"""The accounts below a reseller: their tree, a new one, and one that is stopped."""

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actions import suspend_organisation
from accounts.models import AuditEntry, Organisation
from accounts.tests.factories import make_agent, make_customer, make_member, signed_in
from billing.ledger.queries import wallet_of
from billing.ledger.tests.factories import fund
from billing.pricing.models import PriceAssignment
from billing.pricing.tests.factories import make_price_book
from kit.money import money

from .factories import deliver, make_chain
from .pages import page, send

pytestmark = pytest.mark.django_db


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
