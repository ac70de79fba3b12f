"""Stripe's letters: forged, stale, doubled, shuffled, altered.  Each has one effect or none."""

import json
import threading
import time
from itertools import permutations

import pytest

from accounts.tests.factories import make_customer
from billing.ledger.books import problems
from billing.ledger.models import Transfer
from billing.ledger.queries import wallet_of
from billing.packages import actions as packages
from billing.packages.models import Allowance, Purchase
from billing.packages.tests.factories import make_purchase
from billing.payments import inbox
from billing.payments.models import StripeEvent
from billing.payments.tasks import process_event, sweep_events
from kit.ids import uuid7
from kit.money import money
from kit.tests.racing import race_often

from .letters import PATH, deliver, event_of, refund_of, sign

Status = StripeEvent.Status


@pytest.fixture
def purchase(db):
    return make_purchase(make_customer())


@pytest.fixture
def post(django_capture_on_commit_callbacks):
    """Deliver an event and let what follows from it happen; how it ended, and why."""

    def post(event, **options):
        with django_capture_on_commit_callbacks(execute=True):
            answer = deliver(event, **options)
        assert answer.status_code == 200
        row = StripeEvent.objects.get(pk=event["id"])
        return row.status, row.outcome

    return post


def state_of(purchase):
    return Purchase.objects.get(pk=purchase.pk).status


def test_a_paid_session_grants_what_was_bought(purchase, post):
    assert post(event_of(purchase)) == (Status.DONE, "Granted.")

    assert state_of(purchase) == Purchase.Status.PAID
    assert Allowance.objects.get().segments == 1000
    assert problems() == []


@pytest.mark.parametrize(
    "_case, signature",
    [
        ("none", lambda payload: ""),
        ("another secret", lambda payload: sign(payload, secret="whsec_other")),
        ("only an old scheme", lambda payload: sign(payload, scheme="v0")),
        ("too old", lambda payload: sign(payload, at=time.time() - 301)),
        ("from the future", lambda payload: sign(payload, at=time.time() + 302)),
        ("of another body", lambda payload: sign(payload + b" ")),
        ("nonsense", lambda payload: "t=x,v1=y"),
        ("no time", lambda payload: sign(payload).partition(",")[2]),
        ("long nonsense", lambda payload: "t=" * 5000),
    ],
)
def test_a_forged_letter_is_refused_and_leaves_nothing(purchase, _case, signature):
    payload = json.dumps(event_of(purchase)).encode()

    answer = deliver(payload, signature=signature(payload))

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "forged_event"
    assert not StripeEvent.objects.exists()
    assert state_of(purchase) == Purchase.Status.PENDING


@pytest.mark.parametrize(
    "_case, body",
    [
        ("not JSON", b"{"),
        ("not an object", b"[]"),
        ("not an event", b'{"id": "x", "object": "charge"}'),
        ("nothing", b""),
        ("not text", b"\xff\xfe"),
    ],
)
def test_a_signed_letter_that_is_no_event_is_refused(db, _case, body):
    signature = sign(body) if body != b"\xff\xfe" else "t=1,v1=x"

    assert deliver(body, signature=signature).status_code == 400
    assert not StripeEvent.objects.exists()


def test_too_large_a_letter_is_refused(db):
    body = b"x" * (1024 * 1024 + 1)

    assert deliver(body, signature=sign(body)).status_code == 413


def test_the_letter_box_takes_letters_only(db, client):
    assert client.get(PATH).status_code == 405


def test_the_same_letter_many_times_grants_once(purchase, post):
    event = event_of(purchase)

    outcomes = {post(event) for _ in range(5)}

    assert outcomes == {(Status.DONE, "Granted.")}
    assert Allowance.objects.count() == Transfer.objects.count() == 1


def test_two_letters_about_one_payment_grant_once(purchase, post):
    assert post(event_of(purchase)) == (Status.DONE, "Granted.")
    assert post(event_of(purchase)) == (Status.DONE, "Was granted before.")
    assert post(event_of(purchase, type="checkout.session.async_payment_succeeded"))[0] == Status.DONE

    assert Allowance.objects.count() == Transfer.objects.count() == 1


def test_the_intents_own_letter_grants_nothing(purchase, post):
    event = event_of(purchase, type="payment_intent.succeeded")

    assert post(event)[0] == Status.IGNORED
    assert state_of(purchase) == Purchase.Status.PENDING


@pytest.mark.parametrize(
    "_case, changes",
    [
        ("less money", {"amount_total": 1}),
        ("another currency", {"currency": "cny"}),
        ("real money for a test purchase", {"livemode": True}),
        ("another session", {"id": "cs_test_of_somebody_else"}),
        ("another purchase", {"client_reference_id": str(uuid7())}),
    ],
)
def test_a_letter_that_does_not_match_the_purchase_fails_and_grants_nothing(purchase, post, _case, changes):
    status, outcome = post(event_of(purchase, **changes))

    assert status == Status.FAILED
    assert "payment_mismatch" in outcome or "not_found" in outcome
    assert state_of(purchase) == Purchase.Status.PENDING
    assert not Transfer.objects.exists()


def test_a_letter_that_disagrees_with_itself_about_being_live_fails(purchase, post):
    event = {**event_of(purchase), "livemode": True}

    assert post(event)[0] == Status.FAILED
    assert state_of(purchase) == Purchase.Status.PENDING


@pytest.mark.parametrize(
    "_case, changes",
    [
        ("not paid yet", {"payment_status": "unpaid"}),
        ("not ours", {"client_reference_id": None}),
        ("somebody else's reference", {"client_reference_id": "order 7"}),
    ],
)
def test_a_letter_that_means_nothing_to_us_is_ignored(purchase, post, _case, changes):
    assert post(event_of(purchase, **changes))[0] == Status.IGNORED
    assert state_of(purchase) == Purchase.Status.PENDING


def test_a_closed_session_ends_the_purchase(purchase, post):
    assert post(event_of(purchase, type="checkout.session.expired", payment_status="unpaid"))[0] == Status.DONE
    assert state_of(purchase) == Purchase.Status.EXPIRED


def test_a_refund_at_stripe_takes_the_package_back(purchase, post):
    post(event_of(purchase))

    assert post(refund_of(purchase)) == (Status.DONE, "Refunded.")
    assert post(refund_of(purchase)) == (Status.DONE, "Was refunded before.")

    assert state_of(purchase) == Purchase.Status.REFUNDED
    assert Allowance.objects.get().withdrawn_at
    assert problems() == []


def test_a_refund_of_a_top_up_takes_it_out_of_the_wallet(db, post):
    customer = make_customer()
    purchase = make_purchase(customer, amount="10.00")
    post(event_of(purchase))
    assert wallet_of(customer).balance == money("10.00")

    post(refund_of(purchase))

    assert wallet_of(customer).balance == 0
    assert problems() == []


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_in_every_order_the_end_is_the_same(purchase, post, order):
    events = [
        event_of(purchase),
        event_of(purchase, type="payment_intent.succeeded"),
        refund_of(purchase, amount_refunded=1000),
        refund_of(purchase),
    ]

    for place in order:
        post(events[place])
    sweep_events()

    assert state_of(purchase) == Purchase.Status.REFUNDED
    assert not StripeEvent.objects.filter(status__in=[Status.RECEIVED, Status.FAILED]).exists()
    assert problems() == []


def test_a_lost_bell_is_made_good_by_the_sweep(purchase):
    deliver(event_of(purchase))
    assert state_of(purchase) == Purchase.Status.PENDING

    sweep_events()

    assert state_of(purchase) == Purchase.Status.PAID


def test_a_letter_that_keeps_failing_is_put_aside_for_a_person(purchase, monkeypatch):
    event = refund_of(purchase)
    deliver(event)
    monkeypatch.setattr(inbox, "MOST_TRIES", 3)

    for _ in range(5):
        sweep_events()

    row = StripeEvent.objects.get(pk=event["id"])
    assert (row.status, row.outcome) == (Status.FAILED, "Tried too often.")


def test_a_mistake_of_ours_changes_nothing_and_the_letter_waits(purchase, monkeypatch):
    event = event_of(purchase)
    deliver(event)

    def stumble(purchase):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(packages, "_grant", stumble)
        with pytest.raises(ZeroDivisionError):
            process_event(event["id"])
    assert state_of(purchase) == Purchase.Status.PENDING
    assert StripeEvent.objects.get(pk=event["id"]).status == Status.RECEIVED

    process_event(event["id"])

    assert state_of(purchase) == Purchase.Status.PAID


@pytest.mark.django_db(transaction=True)
def test_sixteen_workers_with_eighty_letters_grant_once():
    purchase = make_purchase(make_customer())
    events = [event_of(purchase) for _ in range(5)]

    race_often(lambda number, turn: deliver(events[turn]).status_code == 200)
    race_often(lambda number, turn: process_event(events[turn]["id"]) or True)

    assert Allowance.objects.count() == Transfer.objects.count() == 1
    assert set(StripeEvent.objects.values_list("status", flat=True)) == {Status.DONE}
    assert problems() == []


@pytest.mark.django_db(transaction=True)
def test_sabotage_a_purchase_looked_at_without_its_lock_is_granted_twice(monkeypatch):
    purchase = make_purchase(make_customer())
    events = [event_of(purchase) for _ in range(4)]
    for event in events:
        StripeEvent.objects.create(id=event["id"], type=event["type"], payload=event, is_live=False)
    everybody_has_looked = threading.Barrier(4, timeout=10)
    monkeypatch.setattr(Purchase.objects.none().__class__, "select_for_update", lambda query, *_, **__: query)
    monkeypatch.setattr(packages, "_compare", lambda *_: everybody_has_looked.wait())
    granted = []  # the transfer's unique reference would be the second guard
    monkeypatch.setattr(packages, "_grant", lambda purchase: granted.append(purchase.pk))

    race_often(lambda number, turn: process_event(events[number]["id"]) or True, threads=4, tries=1)

    assert len(granted) == 4
