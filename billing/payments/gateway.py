"""Stripe, through its official SDK.  The only place that talks to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import stripe
from django.conf import settings

from .errors import PaymentsUnavailable

TIMEOUT_SECONDS = 8


def client() -> stripe.StripeClient:
    """A client with our key and our pinned API version, pointed at the sandbox when settings say so."""
    return _client(settings.STRIPE_API_KEY, settings.STRIPE_API_BASE, settings.STRIPE_API_VERSION)


@contextmanager
def reaching() -> Iterator[None]:
    """Turns "Stripe can't be reached or is not itself" into PaymentsUnavailable.  A refusal passes through."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError, stripe.AuthenticationError) as error:
        raise PaymentsUnavailable from error


@lru_cache(maxsize=4)
def _client(key: str, base: str, version: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": base} if base else None,
        stripe_version=version,
        max_network_retries=1,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
    )
