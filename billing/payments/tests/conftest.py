"""The house as a shop with the Stripe sandbox beside it: real processes, real letters."""

from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.test import Client

from accounts.models import Organisation
from accounts.tests.factories import make_customer, signed_in
from billing.packages.models import Purchase
from portal.stack.stripe_sandbox.tests.world import Running, run_sandbox

from .letters import PATH


@dataclass
class Shop:
    """A customer at the counter, signed in, and the sandbox that takes the money."""

    organisation: Organisation
    browser: Client
    sandbox: Running

    def choose(self, **form: str):
        """Press "Continue to payment"; the purchase and the session at Stripe."""
        path = "/billing/packages/checkout/" if "package" in form else "/billing/top-up/"
        answer = self.browser.post(path, form)
        assert answer.status_code == 302, answer.content
        purchase = Purchase.objects.latest("created_at")
        assert answer.url.endswith(f"/c/pay/{purchase.session_reference}")
        return purchase, self.sandbox.stripe.v1.checkout.sessions.retrieve(purchase.session_reference)


@pytest.fixture
def open_shop(transactional_db, live_server, settings):
    """`with open_shop(*options) as shop`: the sandbox runs with these habits."""

    @contextmanager
    def open_shop(*options: str):
        with run_sandbox(*options, webhook_url=f"{live_server.url}{PATH}") as sandbox:
            settings.STRIPE_API_BASE = sandbox.url
            customer = make_customer()
            yield Shop(customer, signed_in(customer), sandbox)

    return open_shop
