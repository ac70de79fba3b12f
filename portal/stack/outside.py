"""The two neighbours the embedded default brings along: a carrier and a payment service, both on this machine."""

from collections.abc import Mapping

from portal.stack.errors import StackError
from portal.stack.house import House
from portal.stack.processes import Spec, Stage


def needs_sandbox(environment: Mapping[str, str]) -> bool:
    """Whether payments go to the sandbox.  Raises StackError when Stripe's own settings are half there."""
    if not environment.get("STRIPE_API_KEY"):
        return True
    if not environment.get("STRIPE_WEBHOOK_SECRET"):
        raise StackError("STRIPE_API_KEY is set but STRIPE_WEBHOOK_SECRET is not: purchases could never be credited.")
    return False


def carrier(house: House, port: int) -> Spec:
    log = house.layout.log / "carrier-submits.jsonl"
    return house.command(
        "carrier",
        *("-m", "portal.stack.carrier", "--port", str(port), "--log", log),
        role="web",
        stage=Stage.OUTSIDE,
    )


def stripe_sandbox(house: House, port: int, base_url: str) -> Spec:
    return house.command(
        "stripe-sandbox",
        *("-m", "portal.stack.stripe_sandbox", "--port", str(port)),
        role="web",
        stage=Stage.OUTSIDE,
    )
