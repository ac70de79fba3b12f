"""Whole houses are started one at a time: two at once make each other slow, and race for the same ports.

pytest-xdist's own groups (`--dist loadgroup`) do nothing under pytest 9, which keeps ids elsewhere.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

WHOLE_HOUSES = ("tests/browser/", "tests/chaos/")


class OneHouseAtATime(LoadScopeScheduling):
    """Gives out tests by the file; those that need a whole house all to the same worker."""

    def _split_scope(self, nodeid: str) -> str:
        return "whole houses" if nodeid.startswith(WHOLE_HOUSES) else nodeid.split("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log) -> OneHouseAtATime:
    config.option.loadscopereorder = False
    return OneHouseAtATime(config, log)


@pytest.hookimpl(trylast=True)  # after pytest-django, which puts what needs no database last
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let workers begin with what takes longest."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(WHOLE_HOUSES))
