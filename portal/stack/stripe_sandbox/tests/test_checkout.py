import threading
import time

import pytest
import stripe

from .world import (
    API_VERSION,
    DECLINED,
    GOOD,
    POOR,
    SECURE,
    answer_bank,
    complaint,
    eventually,
    pay,
    request,
    session_params,
)


@pytest.fixture
def session(sandbox):
    return sandbox.stripe.v1.checkout.sessions.create(session_params())


def test_a_new_session_says_what_is_due_and_where_to_pay(sandbox, session):
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 20_000)
    assert session.currency == "usd"
    assert session.client_reference_id == "purchase-7"
    assert session.metadata.to_dict() == {"purchase": "7"}
    assert session.url == f"{sandbox.url}/c/pay/{session.id}"
    assert session.livemode is False


def test_a_good_card_completes_the_session_and_leads_back_to_the_shop(sandbox, shop, session):
    answer, _ = pay(session, GOOD)

    paid = sandbox.stripe.v1.checkout.sessions.retrieve(session.id)
    intent = sandbox.stripe.v1.payment_intents.retrieve(paid.payment_intent)
    charge = sandbox.stripe.v1.charges.retrieve(intent.latest_charge)
    assert answer.status == 303
    assert answer.headers["Location"] == f"http://127.0.0.1:8000/packages/thanks?session={session.id}"
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details.email == "ada@example.com"
    assert (intent.status, intent.amount_received) == ("succeeded", 20_000)
    assert intent.metadata.to_dict() == charge.metadata.to_dict() == {"purchase": "7"}
    eventually(lambda: "checkout.session.completed" in shop.types(session.id))
    assert set(shop.types(intent.id)) == {
        "payment_intent.succeeded", "charge.succeeded", "checkout.session.completed",
    }  # fmt: skip


def test_the_webhook_carries_the_session_as_it_was_paid(sandbox, shop, session):
    pay(session)

    eventually(lambda: "checkout.session.completed" in shop.types(session.id))
    event = next(e for e in shop.events if e.type == "checkout.session.completed" and e.data.object.id == session.id)
    assert event.api_version == API_VERSION
    assert event.livemode is False
    assert (event.data.object.payment_status, event.data.object.amount_total) == ("paid", 20_000)
    assert event.data.object.client_reference_id == "purchase-7"


@pytest.mark.parametrize(
    "_case, number, words",
    [
        ("declined", DECLINED, "Your card was declined."),
        ("no funds", POOR, "Your card has insufficient funds."),
        ("expired", "4000000000000069", "Your card has expired."),
        ("security code", "4000000000000127", "Your card's security code is incorrect."),
        ("a real card", "4111111111111111", "Your request was in test mode, but used a non test card."),
    ],
)
def test_a_refused_card_says_why_and_leaves_the_session_open(sandbox, session, _case, number, words):
    answer, page = pay(session, number)

    assert answer.status == 200
    assert words in complaint(page)
    assert sandbox.stripe.v1.checkout.sessions.retrieve(session.id).payment_status == "unpaid"
    assert pay(session, GOOD)[0].status == 303


def test_a_refused_card_is_announced_with_its_code(sandbox, shop, session):
    before = len(shop.events)

    pay(session, POOR)

    failed = eventually(lambda: [e for e in shop.events[before:] if e.type == "payment_intent.payment_failed"])
    error = failed[0].data.object.last_payment_error
    assert (error.code, error.decline_code) == ("card_declined", "insufficient_funds")
    assert failed[0].data.object.status == "requires_payment_method"


@pytest.mark.parametrize(
    "_case, changes, words",
    [
        ("letters", {"number": "4242 abcd"}, "Your card number is invalid."),
        ("short", {"number": "4242 4242"}, "Your card number is incomplete."),
        ("empty", {"number": ""}, "Your card number is incomplete."),
        ("one digit off", {"number": "4242424242424241"}, "Your card number is invalid."),
        ("no expiry", {"exp": ""}, "Your card's expiration date is incomplete."),
        ("month 13", {"exp": "13/34"}, "Your card's expiration date is incomplete."),
        ("past", {"exp": "01/20"}, "Your card's expiration date is in the past."),
        ("no code", {"cvc": ""}, "Your card's security code is incomplete."),
        ("other digits", {"cvc": "１２３"}, "Your card's security code is incomplete."),
        ("e-mail", {"email": "ada"}, "Your email is incomplete."),
    ],
)
def test_a_form_filled_in_wrongly_says_which_field(session, _case, changes, words):
    answer, page = pay(session, **{"number": GOOD} | changes)

    assert answer.status == 200
    assert complaint(page) == words
    assert f'name="{next(iter(changes))}"' in page.partition('aria-invalid="true"')[0].rpartition("<input")[2]


def test_three_d_secure_passed_pays(sandbox, session):
    asked, _ = pay(session, SECURE)
    question = request("GET", f"{session.url}/challenge")[1]
    answer, _ = answer_bank(session, "pass")

    assert asked.headers["Location"] == f"/c/pay/{session.id}/challenge"
    assert "Complete authentication" in question
    assert "thanks" in answer.headers["Location"]
    assert sandbox.stripe.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_three_d_secure_refused_leaves_the_session_open_for_another_card(sandbox, session):
    pay(session, SECURE)
    answer, page = answer_bank(session, "fail")

    assert answer.status == 200
    assert complaint(page).startswith("We are unable to authenticate your payment method.")
    assert sandbox.stripe.v1.checkout.sessions.retrieve(session.id).payment_status == "unpaid"
    assert pay(session, GOOD)[0].status == 303


def test_a_question_left_unanswered_does_not_hinder_another_card(sandbox, session):
    pay(session, SECURE)
    pay(session, GOOD)
    late, _ = answer_bank(session, "pass")

    assert late.status == 200
    assert sandbox.stripe.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_a_session_is_paid_once_however_often_the_button_is_pressed(sandbox):
    intent = {"metadata": {"purchase": "pressed often"}}
    session = sandbox.stripe.v1.checkout.sessions.create(session_params(payment_intent_data=intent))
    start, pages = threading.Barrier(4), []

    def press():
        start.wait()
        pages.append(pay(session)[1])

    threads = [threading.Thread(target=press) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    charges = sandbox.stripe.v1.events.list({"type": "charge.succeeded", "limit": 100}).data
    assert len([event for event in charges if event.data.object.metadata.to_dict() == intent["metadata"]]) == 1
    assert sum("This session has been paid." in page for page in pages) == 3


def test_an_expired_session_cannot_be_paid(sandbox, shop, session):
    expired = sandbox.stripe.v1.checkout.sessions.expire(session.id)
    _, page = pay(session)

    assert (expired.status, expired.url) == ("expired", None)
    assert "This page has expired" in page
    assert sandbox.stripe.v1.checkout.sessions.retrieve(session.id).payment_status == "unpaid"
    eventually(lambda: shop.types(session.id) == ["checkout.session.expired"])
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        sandbox.stripe.v1.checkout.sessions.expire(session.id)


def test_sessions_are_listed_newest_first_in_pages(sandbox):
    made = [sandbox.stripe.v1.checkout.sessions.create(session_params()).id for _ in range(3)]
    pay(sandbox.stripe.v1.checkout.sessions.retrieve(made[1]))

    first = sandbox.stripe.v1.checkout.sessions.list({"limit": 2})
    second = sandbox.stripe.v1.checkout.sessions.list({"limit": 2, "starting_after": first.data[-1].id})
    back = sandbox.stripe.v1.checkout.sessions.list({"limit": 2, "ending_before": second.data[0].id})
    complete = sandbox.stripe.v1.checkout.sessions.list({"status": "complete", "limit": 1})

    assert [s.id for s in first.data] == [made[2], made[1]]
    assert first.has_more
    assert second.data[0].id == made[0]
    assert [s.id for s in back.data] == [made[2], made[1]]
    assert complete.data[0].id == made[1]


def test_line_items_and_the_intent_can_be_expanded(sandbox, session):
    pay(session)

    full = sandbox.stripe.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items", "payment_intent"]})

    assert full.line_items.data[0].description == "10,000 segments"
    assert full.payment_intent.status == "succeeded"
    assert sandbox.stripe.v1.checkout.sessions.line_items.list(session.id).data[0].quantity == 2


def test_metadata_is_merged_and_emptied(sandbox, session):
    changed = sandbox.stripe.v1.checkout.sessions.update(session.id, {"metadata": {"purchase": "", "7": "x"}})

    assert changed.metadata.to_dict() == {"7": "x"}


def test_a_customer_must_exist_and_is_kept(sandbox):
    customer = sandbox.stripe.v1.customers.create({"email": "ada@example.com", "metadata": {"organisation": "42"}})
    session = sandbox.stripe.v1.checkout.sessions.create(session_params(customer=customer.id))
    pay(session)

    paid = sandbox.stripe.v1.checkout.sessions.retrieve(session.id)
    assert paid.customer == customer.id
    assert sandbox.stripe.v1.payment_intents.retrieve(paid.payment_intent).customer == customer.id
    with pytest.raises(stripe.InvalidRequestError, match="No such customer: 'cus_nobody'"):
        sandbox.stripe.v1.checkout.sessions.create(session_params(customer="cus_nobody"))


def line(**changes):
    price = {"currency": "usd", "unit_amount": 100, "product_data": {"name": "x"}} | changes
    return [{"quantity": 1, "price_data": price}]


@pytest.mark.parametrize(
    "_case, changes, param",
    [
        ("subscription", {"mode": "subscription"}, "mode"),
        ("nothing to buy", {"line_items": []}, "line_items"),
        ("no success page", {"success_url": ""}, "success_url"),
        ("script as address", {"success_url": "javascript:alert(1)"}, "success_url"),
        ("header injection", {"success_url": "http://127.0.0.1/\r\nSet-Cookie: a=b"}, "success_url"),
        ("no such parameter", {"sucess_url": "x"}, "sucess_url"),
        ("not played", {"discounts": [{"coupon": "TEN"}]}, "discounts"),
        ("negative price", {"line_items": line(unit_amount=-1)}, "unit_amount"),
        ("price with a point", {"line_items": line(unit_amount="1.5")}, "unit_amount"),
        ("no name", {"line_items": line(product_data={"name": ""})}, "name"),
        ("no currency", {"line_items": line(currency="dollars")}, "line_items[0][price_data][currency]"),
        ("two currencies", {"line_items": line() + line(currency="eur")}, "line_items"),
        ("over too soon", {"expires_at": int(time.time()) + 60}, "expires_at"),
        ("over too late", {"expires_at": int(time.time()) + 90_000}, "expires_at"),
        ("long metadata", {"metadata": {"a": "x" * 501}}, "metadata[a]"),
        ("much metadata", {"metadata": {str(n): "x" for n in range(51)}}, "metadata"),
        ("path as customer", {"customer": "../events"}, "customer"),
    ],
)
def test_a_wrong_parameter_is_named(sandbox, _case, changes, param):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.stripe.v1.checkout.sessions.create(session_params(**changes))

    assert refusal.value.param == param


def test_too_small_an_amount_is_refused(sandbox):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.stripe.v1.checkout.sessions.create(session_params(line_items=line(unit_amount=49)))

    assert refusal.value.code == "amount_too_small"


def test_a_session_nobody_made_is_not_found(sandbox):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.stripe.v1.checkout.sessions.retrieve("cs_test_00")

    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")
    assert request("GET", f"{sandbox.url}/c/pay/cs_test_00")[0].status == 404


def test_what_a_shop_writes_is_shown_as_text(sandbox):
    evil = '<script>alert("x")</script>'
    session = sandbox.stripe.v1.checkout.sessions.create(
        session_params(line_items=line(product_data={"name": evil}), cancel_url='http://127.0.0.1/"><b>')
    )

    answer, page = pay(session, number=evil, name='"><img src=x>')

    assert "<script>" not in page
    assert "<img" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
