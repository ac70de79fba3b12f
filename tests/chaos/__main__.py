"""bin/chaos: the long form, with its faults and their moments drawn from the seed."""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import carriers, story
from tests.chaos.clients import Unanswered
from tests.chaos.house import House, TooLate, started


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bin/chaos", description="Kill every part of a house of its own, again and again, while it sends."
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--messages", type=int, default=story.MESSAGES)
    parser.add_argument("--rounds", type=int, default=1, help="how often the usual parts are killed")
    parser.add_argument("--keep", action="store_true", help="keep the house's folder, with its logs")
    asked = parser.parse_args()
    plan = story.long_plan(asked.seed, asked.messages, asked.rounds)
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=os.environ.get("SIGNALBOX_VAR")))
    folder.chmod(0o711)
    try:
        with started(folder / "house") as house, carriers.running(folder / "carriers") as three:
            return report(house, three, plan)
    finally:
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)


def report(house: House, three: carriers.Carriers, plan: story.Plan) -> int:
    began = time.monotonic()
    faults = ", ".join(map(str, plan.faults))
    try:
        verdict: object = story.play(house, three, plan)
        is_good = verdict.is_good
    except (TooLate, Unanswered, ExceptionGroup) as error:
        verdict, is_good = f"BAD: {error!r}", False
    minutes = (time.monotonic() - began) / 60
    sys.stdout.write(f"seed {plan.seed}; {len(plan.faults)} faults ({faults}); {minutes:.1f} min; {verdict}\n")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
