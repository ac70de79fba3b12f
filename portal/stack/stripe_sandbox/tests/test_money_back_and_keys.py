import threading

import pytest
import stripe

from .world import GOOD, eventually, pay, request, session_params


@pytest.fixture
def intent(sandbox):
    """The payment intent of a paid session of $200.00."""
    session = sandbox.stripe.v1.checkout.sessions.create(session_params())
    pay(session, GOOD)
    return sandbox.stripe.v1.checkout.sessions.retrieve(session.id).payment_intent


def test_a_part_can_be_refunded_and_is_announced(sandbox, shop, intent):
    refund = sandbox.stripe.v1.refunds.create(
        {"payment_intent": intent, "amount": 5_000, "reason": "requested_by_customer", "metadata": {"purchase": "7"}}
    )

    charge = sandbox.stripe.v1.charges.retrieve(refund.charge)
    assert (refund.status, refund.amount, refund.payment_intent) == ("succeeded", 5_000, intent)
    assert (charge.amount_refunded, charge.refunded) == (5_000, False)
    assert sandbox.stripe.v1.refunds.retrieve(refund.id).reason == "requested_by_customer"
    eventually(lambda: {"refund.created", "charge.refunded"} <= set(shop.types(intent)))
    event = next(e for e in shop.events if e.type == "charge.refunded" and e.data.object.id == charge.id)
    assert event.data.object.amount_refunded == 5_000


def test_without_an_amount_all_that_is_left_is_refunded(sandbox, intent):
    sandbox.stripe.v1.refunds.create({"payment_intent": intent, "amount": 5_000})
    rest = sandbox.stripe.v1.refunds.create({"payment_intent": intent})

    assert rest.amount == 15_000
    assert sandbox.stripe.v1.charges.retrieve(rest.charge).refunded is True
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.stripe.v1.refunds.create({"payment_intent": intent})
    assert refusal.value.code == "charge_already_refunded"


def test_more_than_was_paid_is_never_refunded(sandbox, intent):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.stripe.v1.refunds.create({"payment_intent": intent, "amount": 20_001})

    assert refusal.value.param == "amount"
    assert sandbox.stripe.v1.refunds.list({"payment_intent": intent}).data == []


def test_the_same_request_with_the_same_key_is_done_once(sandbox, intent):
    refund = {"payment_intent": intent, "amount": 5_000}

    first, second = (sandbox.stripe.v1.refunds.create(refund, {"idempotency_key": f"refund-{intent}"}) for _ in "12")

    assert first.id == second.id
    assert second.last_response.headers["idempotent-replayed"] == "true"
    assert len(sandbox.stripe.v1.refunds.list({"payment_intent": intent}).data) == 1


def test_a_key_used_for_something_else_is_refused(sandbox):
    first = sandbox.stripe.v1.checkout.sessions.create(session_params(), {"idempotency_key": "purchase-8"})

    with pytest.raises(stripe.IdempotencyError, match="same parameters they were first used with"):
        sandbox.stripe.v1.checkout.sessions.create(
            session_params(client_reference_id="purchase-9"), {"idempotency_key": "purchase-8"}
        )

    again = sandbox.stripe.v1.checkout.sessions.create(session_params(), {"idempotency_key": "purchase-8"})
    assert again.id == first.id


def test_a_key_whose_request_was_refused_may_be_used_again(sandbox):
    with pytest.raises(stripe.InvalidRequestError):
        sandbox.stripe.v1.checkout.sessions.create(session_params(mode="setup"), {"idempotency_key": "retry-1"})

    made = sandbox.stripe.v1.checkout.sessions.create(session_params(), {"idempotency_key": "retry-1"})

    assert made.status == "open"


def refund_at_once(sandbox, form, count, **headers):
    """The statuses of as many equal requests, sent at the same moment and without the SDK, which would space them out."""
    start, statuses = threading.Barrier(count), []

    def refund():
        start.wait()
        url, key = f"{sandbox.url}/v1/refunds", {"Authorization": "Bearer sk_test_1"}
        statuses.append(request("POST", url, form, **key, **headers)[0].status)

    threads = [threading.Thread(target=refund) for _ in range(count)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return sorted(statuses)


def test_one_key_at_the_same_moment_gives_money_back_once(sandbox, intent):
    form = {"payment_intent": intent, "amount": "1000"}

    assert refund_at_once(sandbox, form, 8, **{"Idempotency-Key": f"race-{intent}"}) == [200] * 8

    assert len(sandbox.stripe.v1.refunds.list({"payment_intent": intent}).data) == 1


def test_refunds_at_the_same_moment_never_give_back_more_than_was_paid(sandbox, intent):
    assert refund_at_once(sandbox, {"payment_intent": intent, "amount": "8000"}, 6) == [200] * 2 + [400] * 4

    assert len(sandbox.stripe.v1.refunds.list({"payment_intent": intent}).data) == 2


@pytest.mark.parametrize("key", ["sk_live_1", "", "pk_test_1"])
def test_only_test_keys_are_taken(sandbox, key):
    answer, _ = request("GET", f"{sandbox.url}/v1/events", Authorization=f"Bearer {key}")

    assert answer.status == 401


def test_a_page_under_another_name_is_not_answered(sandbox):
    answer, _ = request("GET", f"{sandbox.url}/v1/events", Host="evil.example", Authorization="Bearer sk_test_1")

    assert answer.status == 421


@pytest.mark.parametrize(
    "_case, body, status",
    [
        ("not a form", b"\xff\xfe\x00", 400),
        ("a value where an object was", b"metadata[a]=1&metadata=2", 400),
        ("too deep", b"a" + b"[b]" * 50 + b"=1", 400),
        ("NUL", b"mode=%00", 400),
        ("too many fields", b"&".join(b"a%d=1" % n for n in range(2_000)), 400),
        ("strings for lists", b"mode=payment&line_items=x&success_url=http://a.test", 400),
        ("too large", b"a=" + b"x" * 1_100_000, 413),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(sandbox, _case, body, status):
    try:
        answer, _ = request("POST", f"{sandbox.url}/v1/checkout/sessions", body, Authorization="Bearer sk_test_1")
    except (BrokenPipeError, ConnectionResetError):  # too large: the server hangs up before it has read all
        assert status == 413
    else:
        assert answer.status == status


def test_the_engine_behind_still_answers_directly(sandbox, shop):
    method = sandbox.stripe.v1.payment_methods.create(
        {"type": "card", "card": {"number": GOOD, "exp_month": 12, "exp_year": 2034, "cvc": "123"}}
    )
    intent = sandbox.stripe.v1.payment_intents.create(
        {"amount": 700, "currency": "usd", "payment_method": method.id, "confirm": True, "description": "Top-up"}
    )

    assert (intent.status, intent.description, intent.amount_received) == ("succeeded", "Top-up", 700)
    assert isinstance(intent.latest_charge, str)
    eventually(lambda: {"payment_intent.succeeded", "charge.succeeded"} <= set(shop.types(intent.id)))
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent: 'pi_nobody'"):
        sandbox.stripe.v1.payment_intents.retrieve("pi_nobody")
