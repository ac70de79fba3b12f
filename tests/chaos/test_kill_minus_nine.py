"""Every part of the house is killed while messages pour in: what was accepted is kept, sent once and paid once."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.chaos import carriers, story
from tests.chaos.house import started

SEED, MESSAGES = 20_260, 1_200
#: What a killed worker had on the wire of its three lines, and a killed carrier on its own, at most: see `test_doubt.py`.
MOST_UNKNOWN = 8


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=os.environ.get("SIGNALBOX_VAR")) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.mark.whole_house
def test_killing_every_part_loses_nothing_and_sends_nothing_twice(folder, monkeypatch):
    monkeypatch.setattr(story.judge, "MOST_UNKNOWN", MOST_UNKNOWN / MESSAGES)
    plan = story.short_plan(SEED, MESSAGES)

    with started(folder / "house") as house, carriers.running(folder / "carriers") as three:
        verdict = story.play(house, three, plan)

    assert verdict.problems == ()
    assert verdict.messages == MESSAGES
