"""Repairing what got lost: asking Stripe about purchases nobody has told us about."""

import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

import stripe
from django.utils import timezone

from billing.packages import actions as packages
from billing.packages.models import Purchase
from billing.packages.queries import unpaid_purchases

from . import gateway
from .checkout import payment_of
from .inbox import ACTS

#: The webhook has this long before we ask ourselves.
PATIENCE = timedelta(minutes=3)
#: A Checkout Session lives a day; a purchase that never got one is given up after it.
GIVEN_UP_AFTER = timedelta(hours=25)
LOOK_BACK_SECONDS = 6 * 3600
A_RUN, MOST_EVENTS = 40, 300


def to_check() -> list[Purchase]:
    """The unpaid purchases to ask about now, marked as asked.  Runs as the engine."""
    now = timezone.now()
    unpaid_purchases(before=now - GIVEN_UP_AFTER).filter(session_reference=None).update(status=Purchase.Status.EXPIRED)
    chosen = list(unpaid_purchases(before=now - PATIENCE).exclude(session_reference=None)[:A_RUN])
    Purchase.objects.filter(pk__in=[purchase.pk for purchase in chosen]).update(checked_at=now)
    return chosen


def session_of(purchase: Purchase) -> stripe.checkout.Session | None:
    """Its Checkout Session as Stripe has it now; None when Stripe knows of none.  Raises PaymentsUnavailable."""
    with gateway.reaching():
        try:
            return gateway.client().v1.checkout.sessions.retrieve(purchase.session_reference)
        except stripe.InvalidRequestError:
            return None


def settle(purchase: Purchase, session: stripe.checkout.Session | None) -> None:
    """Grant what was paid, give up what closed unpaid, leave what is open.  Runs as the engine."""
    if session is None or session.status == "expired":
        packages.expire_purchase(purchase_id=purchase.pk)
    elif (payment := payment_of(session.to_dict())) is not None:
        packages.complete_purchase(payment=payment)


def recent_events() -> list[stripe.Event]:
    """What Stripe says happened in the last hours, of the types something follows from.  Raises PaymentsUnavailable."""
    with gateway.reaching():
        found: Iterator[stripe.Event] = (
            gateway.client()
            .v1.events.list({
                "types": list(ACTS), "created": {"gte": int(time.time()) - LOOK_BACK_SECONDS}, "limit": 100,
            })
            .auto_paging_iter()
        )  # fmt: skip
        return list(islice(found, MOST_EVENTS))
