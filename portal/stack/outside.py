"""The two neighbours the embedded default brings along: a carrier and a payment service, both on this machine."""

from collections.abc import Mapping

from portal.stack.errors import StackError
from portal.stack.house import House
from portal.stack.processes import Spec, Stage

STRIPE_WEBHOOK_PATH = "/webhooks/stripe"


def needs_sandbox(environment: Mapping[str, str]) -> bool:
    """Whether payments go to the sandbox.  Raises StackError when Stripe's own settings are half there."""
    if not environment.get("STRIPE_API_KEY"):
        return True
    if not environment.get("STRIPE_WEBHOOK_SECRET"):
        raise StackError("STRIPE_API_KEY is set but STRIPE_WEBHOOK_SECRET is not: purchases could never be credited.")
    return False


def carrier(house: House, port: int, control_port: int) -> Spec:
    """The demo carrier.  Its log is written before each answer leaves: it is the witness of what was sent."""
    log = house.layout.log / "carrier-submits.jsonl"
    return house.command(
        "carrier",
        *("-m", "portal.stack.carrier", "--port", str(port), "--control-port", str(control_port)),
        *("--log", log, "--durable-log"),
        role="web",
        stage=Stage.OUTSIDE,
    )


def stripe_sandbox(house: House, port: int, base_url: str) -> Spec:
    """The payment service.  It remembers checkouts and cards over restarts, as the real one would."""
    secret = house.surroundings.common["STRIPE_WEBHOOK_SECRET"]
    return house.command(
        "stripe-sandbox",
        *("-m", "portal.stack.stripe_sandbox", "--port", str(port), "--state", house.layout.var / "stripe.sqlite3"),
        *("--webhook-url", f"{base_url}{STRIPE_WEBHOOK_PATH}", "--webhook-secret", secret),
        role="web",
        stage=Stage.OUTSIDE,
    )
