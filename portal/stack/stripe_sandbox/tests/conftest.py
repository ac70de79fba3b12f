"""One sandbox and one shop for a whole module: starting them costs a second."""

import pytest

from .world import open_shop, run_sandbox


@pytest.fixture(scope="module")
def shop():
    with open_shop() as shop:
        yield shop


@pytest.fixture(scope="module")
def sandbox(shop):
    with run_sandbox(webhook_url=shop.url) as running:
        yield running
