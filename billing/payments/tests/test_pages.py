"""Billing's pages as members of a team meet them."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tests.factories import make_agent, make_customer, make_operator, make_user, signed_in
from billing.ledger.actions import account_of, hold, transfer, transfer_credit
from billing.ledger.models import Account, Reason
from billing.ledger.queries import statement
from billing.ledger.tests.factories import fund
from billing.packages import actions as packages
from billing.packages.allowance import take
from billing.packages.models import Purchase
from billing.packages.tests.factories import make_allowance, make_package, make_purchase, payment_for
from billing.pricing.tests.factories import price_world
from kit.money import money

pytestmark = pytest.mark.django_db
#: An id of nothing.  The same in every process, because ids in the names of tests must agree between them.
NOBODYS = "01900000-0000-7000-8000-000000000000"
PAGES = ["/billing/", "/billing/packages/", "/billing/wallet/", "/billing/purchases/", "/billing/top-up/"]


@pytest.fixture
def customer():
    return make_customer()


@pytest.fixture
def browser(customer):
    return signed_in(customer)


def read(browser, path, **headers):
    answer = browser.get(path, headers=headers)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_a_new_account_sees_empty_pages_that_say_what_to_do(browser, path):
    assert "<h1>" in read(browser, path)


@pytest.mark.parametrize("path", [*PAGES, "/billing/wallet.csv", f"/billing/purchases/{NOBODYS}/"])
def test_a_visitor_is_asked_to_sign_in(client, path):
    assert client.get(path).status_code == 302


@pytest.mark.parametrize("role, may_look, may_pay", [
    ("owner", True, True), ("finance", True, True), ("admin", True, True), ("sender", True, False),
    ("read_only", True, False), ("reviewer", False, False),
])  # fmt: skip
def test_who_may_look_and_who_may_pay(customer, role, may_look, may_pay):
    browser = signed_in(customer, role)
    package, purchase = make_package(), make_purchase(customer)

    assert (browser.get("/billing/").status_code == 200) is may_look
    assert (browser.get("/billing/top-up/").status_code == 200) is may_pay
    if not may_pay:
        for path in ("checkout", f"../purchases/{purchase.pk}/pay", f"../purchases/{purchase.pk}/refund"):
            answer = browser.post(f"/billing/packages/{path}/".replace("packages/../", ""), {"package": package.pk})
            assert answer.status_code == 403
    assert Purchase.objects.count() == 1


def test_the_overview_shows_wallet_packages_and_what_happened(customer, browser):
    fund(customer, "20.00")
    hold(organisation=customer, currency="GBP", amount=money("0.50"), reference="m")
    make_allowance(customer, segments=1000)

    page = read(browser, "/billing/")

    assert "£19.50" in page
    assert "£0.50" in page
    assert "1,000 of 1,000 left" in page
    assert "Top-up" in page


def test_the_statement_carries_the_running_balance(customer, browser):
    fund(customer, "20.00")
    for n in range(3):
        hold(organisation=customer, currency="GBP", amount=money("0.5"), reference=f"m{n}")

    page = read(browser, "/billing/wallet/")

    for amount in ("+£20.00", "−£0.50", "£18.50", "£19.00", "£19.50"):
        assert amount in page


def test_a_statement_begins_where_the_one_before_ended(customer):
    now = timezone.now()
    fund(customer, "20.00")
    hold(organisation=customer, currency="GBP", amount=money("1"), reference="m")
    middle = timezone.now() + timedelta(seconds=1)

    with customer.scope():
        before = statement(customer, begin=now - timedelta(days=1), end=middle)
        after = statement(customer, begin=middle, end=middle + timedelta(days=1))
        assert [row.balance for row in before.movements] == [money("19"), money("20")]

    assert (before.opening, before.closing) == (0, money("19"))
    assert (after.opening, after.closing, list(after.movements)) == (money("19"), money("19"), [])


def test_the_wallet_keeps_its_query_budget(customer, browser, django_assert_max_num_queries):
    for _ in range(60):
        fund(customer, "1.00")
    browser.get("/billing/wallet/")

    with django_assert_max_num_queries(12):
        browser.get("/billing/wallet/")


def test_a_page_of_the_statement_reads_its_own_rows(customer, browser):
    fund(customer, "20.00")
    for number in range(70):
        hold(organisation=customer, currency="GBP", amount=money("0.01"), reference=f"m{number}")

    with CaptureQueriesContext(connection) as asked:
        first = browser.get("/billing/wallet/")
    second = browser.get("/billing/wallet/?page=2")

    pages = [[row.record.balance for row in answer.context["table"].paginated_rows] for answer in (first, second)]
    assert pages[0] + pages[1] == [money("19.30") + money("0.01") * place for place in range(71)]
    assert [len(page) for page in pages] == [50, 21]
    assert not [one for one in asked if "subject" in one["sql"] and "LIMIT" not in one["sql"]]


def test_the_statement_is_a_fragment_for_htmx(browser):
    assert "<html" not in read(browser, "/billing/wallet/", **{"HX-Request": "true"})


@pytest.mark.parametrize("query", [
    "from=x&to=y", "from=2026-02-31", "from=2026-03-01&to=2026-01-01", "from=0001-01-01&to=9999-12-31", "from=%00",
    "from=9999-12-31&to=9999-12-31", "page=99999", "page=x", "from=1000-01-01&to=1000-02-01",
])  # fmt: skip
def test_a_period_that_makes_no_sense_breaks_nothing(customer, browser, query):
    fund(customer, "1.00")

    assert browser.get(f"/billing/wallet/?{query}").status_code in (200, 404)
    assert browser.get(f"/billing/wallet.csv?{query}").status_code == 200


def test_the_file_has_the_same_lines_as_the_page(customer, browser):
    fund(customer, "20.00")
    hold(organisation=customer, currency="GBP", amount=money("0.03"), reference="m", subject="=cmd|' /C calc'!A0")

    answer = browser.get("/billing/wallet.csv")

    text = b"".join(answer.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [(row["Amount"], row["Balance"], row["Currency"]) for row in rows] == [
        ("-0.03", "19.97", "GBP"), ("20", "20", "GBP"),
    ]  # fmt: skip
    assert rows[0]["About"].startswith("'=")
    assert "attachment" in answer["Content-Disposition"]


def test_pages_of_movements_take_as_many_queries_as_one(customer, browser):
    fund(customer, "20.00")
    read(browser, "/billing/wallet/")
    counts = []
    for batch in range(2):
        for n in range(1 + batch * 30):
            hold(organisation=customer, currency="GBP", amount=1000, reference=f"{batch}:{n}")
        with CaptureQueriesContext(connection) as asked:
            read(browser, "/billing/wallet/")
        counts.append(len(asked))

    assert counts[0] == counts[1]


def test_many_purchases_take_as_many_queries_as_few(customer, browser):
    read(browser, "/billing/")
    counts = []
    for batch in (2, 12):
        for _ in range(batch):
            make_allowance(customer)
        with CaptureQueriesContext(connection) as asked:
            read(browser, "/billing/purchases/")
        with CaptureQueriesContext(connection) as asked_too:
            read(browser, "/billing/")
        counts.append((len(asked), len(asked_too)))

    assert counts[0] == counts[1]


def test_the_catalogue_says_what_a_package_saves(browser):
    price_world(make_operator())
    make_package(price="24.00", segments=1000, bonus_segments=0)
    make_package(price="270.00", segments=10_000, category="promotion")

    page = read(browser, "/billing/packages/")

    assert "Save 20%" in page  # 2.40p beside 3.00p
    assert "Promotion" in page
    assert "£270.00" in read(browser, "/billing/packages/?for=promotion")
    assert "Save 20%" in read(browser, "/billing/packages/?for=nonsense")


def test_choosing_another_package_swaps_the_order_summary(browser):
    make_package(price="24.00")
    other = make_package(price="99.00", segments=5000, bonus_segments=77)

    fragment = read(browser, f"/billing/packages/?for=any&package={other.pk}", **{"HX-Request": "true"})

    assert "£99.00" in fragment
    assert "+77 messages" in fragment
    assert "<html" not in fragment


def test_the_catalogue_is_in_the_buyers_currency():
    make_package(price="24.00")
    browser = signed_in(make_customer(currency="CNY"))

    assert "No packages in CNY yet" in read(browser, "/billing/packages/")


@pytest.mark.parametrize("package", ["", "x", NOBODYS, "\x00"])
def test_a_package_that_is_not_there_cannot_be_bought(browser, package):
    assert browser.post("/billing/packages/checkout/", {"package": package}).status_code == 404
    assert not Purchase.objects.exists()


def test_somebody_elses_purchase_is_not_found(browser):
    purchase = make_purchase(make_customer())

    assert browser.get(f"/billing/purchases/{purchase.pk}/").status_code == 404
    assert browser.post(f"/billing/purchases/{purchase.pk}/pay/").status_code == 404
    assert browser.post(f"/billing/purchases/{purchase.pk}/refund/").status_code == 404


def test_the_page_a_buyer_comes_back_to_only_reads_and_asks_again_until_it_is_granted(customer, browser):
    purchase = make_purchase(customer)
    path = f"/billing/purchases/{purchase.pk}/?paid=1"

    waiting = read(browser, path)
    assert "Waiting for Stripe" in waiting
    assert 'hx-trigger="every 2s, wake"' in waiting
    assert Purchase.objects.get().status == Purchase.Status.PENDING

    packages.complete_purchase(payment=payment_for(purchase))
    granted = read(browser, path, **{"HX-Request": "true"})
    assert "Your messages are ready" in granted
    assert "hx-trigger" not in granted


def test_a_used_package_is_not_offered_to_be_given_back(customer, browser):
    lot = make_allowance(customer)
    path = f"/billing/purchases/{lot.purchase_id}/"
    assert "Give this package back" in read(browser, path)

    take(organisation=customer, wanted=[(0, "GB", "notice", 1)], reference="a")
    assert "Give this package back" not in read(browser, path)


def test_a_suspended_customer_can_look_and_not_buy(customer, browser):
    customer.status, customer.is_stopped = "suspended", True
    customer.save()

    assert browser.get("/billing/").status_code == 200
    assert browser.post("/billing/top-up/", {"amount": "10"}).status_code in (302, 403)
    assert not Purchase.objects.exists()


def test_credit_from_a_reseller_is_on_the_statement():
    agent = make_agent()
    child = make_customer(parent=agent)
    fund(agent, "5.00")
    with agent.downline_scope():
        transfer_credit(
            source_organisation=agent, target_organisation=child, amount=money("2"), by=make_user(), reference="gift"
        )

    assert "Credit from your reseller" in read(signed_in(child), "/billing/wallet/")
    assert "Credit given to an account" in read(signed_in(agent), "/billing/wallet/")

    ours, theirs = (account_of(one, Account.Kind.WALLET, "GBP") for one in (agent, child))
    transfer(source=theirs, target=ours, amount=1, reason=Reason.CREDIT, reference=f"credit_back:{agent.pk}:1")

    assert "Credit taken back by your reseller" in read(signed_in(child), "/billing/wallet/")
    assert "Credit taken back from an account" in read(signed_in(agent), "/billing/wallet/")


@pytest.mark.parametrize("amount", ["4.99", "-5", "1e9", "NaN", "five", "", "50000.01", "5.001", "\x00"])
def test_an_amount_that_makes_no_sense_stays_on_the_form(browser, amount):
    answer = browser.post("/billing/top-up/", {"amount": amount})

    assert answer.status_code == 200
    assert 'id="id_amount_error"' in answer.content.decode()
    assert not Purchase.objects.exists()
