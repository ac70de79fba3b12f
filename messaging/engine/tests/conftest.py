import pytest

from messaging.engine.tests.factories import World, make_world


@pytest.fixture
def world() -> World:
    """A customer with money and wording, and a channel for what it sends."""
    return make_world()
