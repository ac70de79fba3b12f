"""From the counter to the allowance and back, with the Stripe sandbox and the official SDK."""

from billing.ledger.books import problems
from billing.ledger.models import Transfer
from billing.ledger.queries import wallet_of
from billing.packages.models import Allowance, Purchase
from billing.packages.tests.factories import make_package
from billing.payments import reconcile
from billing.payments.models import StripeEvent
from billing.payments.tasks import reconcile_payments, sweep_events
from kit.money import money
from portal.stack.stripe_sandbox.tests.world import DECLINED, eventually, pay

Status = Purchase.Status


def status_of(purchase):
    return Purchase.objects.get(pk=purchase.pk).status


def test_a_package_is_bought_and_given_back(open_shop):
    package = make_package(name="Ten thousand", segments=10_000, price="320.00")
    with open_shop() as shop:
        purchase, session = shop.choose(package=str(package.pk))
        assert (session.amount_total, session.currency, session.livemode) == (32_000, "gbp", False)
        assert session.client_reference_id == session.metadata["purchase"] == str(purchase.pk)
        assert "Not paid yet" in shop.browser.get(f"/billing/purchases/{purchase.pk}/").content.decode()

        answer, _page = pay(session)
        assert answer.headers["Location"].endswith(f"/billing/purchases/{purchase.pk}/?paid=1")
        eventually(lambda: status_of(purchase) == Status.PAID)
        assert Allowance.objects.get(purchase=purchase).segments == 10_000
        page = shop.browser.get(f"/billing/purchases/{purchase.pk}/?paid=1").content.decode()
        assert "Your messages are ready" in page
        assert "10,000 of 10,000 left" in page

        assert shop.browser.post(f"/billing/purchases/{purchase.pk}/refund/").status_code == 302
        eventually(lambda: status_of(purchase) == Status.REFUNDED)
        intent = Purchase.objects.get(pk=purchase.pk).payment_reference
        assert shop.sandbox.stripe.v1.refunds.list({"payment_intent": intent}).data[0].amount == 32_000
        eventually(lambda: StripeEvent.objects.filter(type="charge.refunded", status="done").exists())
    assert Transfer.objects.filter(subject=f"purchase:{purchase.pk}").count() == 2
    assert problems() == []


def test_a_declined_card_costs_nothing_and_the_next_one_may_try(open_shop):
    with open_shop() as shop:
        purchase, session = shop.choose(amount="50.00")
        pay(session, DECLINED)
        assert status_of(purchase) == Status.PENDING

        again = shop.browser.post(f"/billing/purchases/{purchase.pk}/pay/")
        assert again.url == session.url
        pay(session)
        eventually(lambda: status_of(purchase) == Status.PAID)

        closed = shop.browser.post(f"/billing/purchases/{purchase.pk}/pay/")
        assert closed.status_code in (302, 409, 422)
    assert wallet_of(shop.organisation).balance == money("50.00")
    assert problems() == []


def test_with_every_letter_doubled_and_shuffled_each_purchase_is_granted_once(open_shop):
    with open_shop("--duplicate-events", "--shuffle-events", "--seed", "7") as shop:
        purchases = []
        for _ in range(3):
            purchase, session = shop.choose(amount="20.00")
            pay(session)
            purchases.append(purchase)
        eventually(lambda: all(status_of(purchase) == Status.PAID for purchase in purchases), within=20)
        eventually(lambda: StripeEvent.objects.count() == 9, within=20)
    assert wallet_of(shop.organisation).balance == money("60.00")
    assert problems() == []


def test_when_every_letter_is_lost_we_ask_ourselves(open_shop, monkeypatch):
    with open_shop("--drop-events", "1") as shop:
        bought, session = shop.choose(amount="20.00")
        left_open, _session = shop.choose(amount="30.00")
        pay(session)
        monkeypatch.setattr(reconcile, "PATIENCE", reconcile.PATIENCE * 0)
        assert not StripeEvent.objects.exists()

        reconcile_payments()
        reconcile_payments()

        assert (status_of(bought), status_of(left_open)) == (Status.PAID, Status.PENDING)
        assert StripeEvent.objects.get().type == "checkout.session.completed"

        intent = Purchase.objects.get(pk=bought.pk).payment_reference
        shop.sandbox.stripe.v1.refunds.create({"payment_intent": intent})
        shop.sandbox.stripe.v1.checkout.sessions.expire(left_open.session_reference)
        reconcile_payments()
        sweep_events()

        assert (status_of(bought), status_of(left_open)) == (Status.REFUNDED, Status.EXPIRED)
    assert wallet_of(shop.organisation).balance == 0
    assert problems() == []


def test_a_refund_already_given_at_stripe_is_not_given_again(open_shop):
    package = make_package()
    with open_shop("--drop-events", "1") as shop:
        purchase, session = shop.choose(package=str(package.pk))
        pay(session)
        reconcile_payments()
        intent = Purchase.objects.get(pk=purchase.pk).payment_reference
        shop.sandbox.stripe.v1.refunds.create({"payment_intent": intent})

        shop.browser.post(f"/billing/purchases/{purchase.pk}/refund/")

        assert status_of(purchase) == Status.REFUNDED
        assert len(shop.sandbox.stripe.v1.refunds.list({"payment_intent": intent}).data) == 1
    assert problems() == []


def test_when_stripe_is_away_nothing_is_begun(open_shop, settings):
    package = make_package()
    with open_shop() as shop:
        pass
    settings.STRIPE_API_BASE = shop.sandbox.url

    answer = shop.browser.post("/billing/packages/checkout/", {"package": str(package.pk)}, follow=True)

    assert "can&#x27;t be reached" in answer.content.decode() or answer.status_code == 503
    assert not Purchase.objects.exists()
