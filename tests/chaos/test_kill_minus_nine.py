"""Every part of the house is killed while messages pour in: what was accepted is kept, sent once and paid once."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.chaos.house import started
from tests.chaos.story import play, short_plan

SEED, MESSAGES = 20_260, 3_000


@pytest.fixture
def house():
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=os.environ.get("SIGNALBOX_VAR")) as folder:
        Path(folder).chmod(0o711)
        with started(Path(folder) / "house") as house:
            yield house


@pytest.mark.whole_house
def test_killing_every_part_loses_nothing_and_sends_nothing_twice(house):
    plan = short_plan(SEED, MESSAGES)
    print(f"seed {plan.seed}: {plan.faults}")  # noqa: T201  shown when it fails

    verdict = play(house, plan)

    assert verdict.problems == ()
    assert verdict.accepted == MESSAGES
