"""What every test of a reseller may ask for."""

import pytest

from messaging.engine.tests.factories import make_world


@pytest.fixture
def world():
    return make_world()
