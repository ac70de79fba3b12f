"""Whole houses are started one at a time: they share the machine with the tests beside them."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all tests that need a whole house with one worker, for `--dist loadgroup`."""
    for item in items:
        if item.get_closest_marker("whole_house"):
            item.add_marker(pytest.mark.xdist_group("whole_house"))
