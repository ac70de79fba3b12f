"""bin/chaos: the long form, with its moments drawn from the seed."""

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos import story
from tests.chaos.house import TooLate, started


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bin/chaos", description="Kill every part of a house of its own, again and again, while it sends."
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=2, help="how often every part is killed")
    asked = parser.parse_args()
    plan = story.long_plan(asked.seed, asked.messages, asked.rounds)
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=os.environ.get("SIGNALBOX_VAR")) as folder:
        Path(folder).chmod(0o711)
        with started(Path(folder) / "house") as house:
            return report(house, plan)


def report(house, plan: story.Plan) -> int:
    faults = ", ".join(f"{name} at {moment:.2f} s" for name, moment in plan.faults)
    try:
        verdict = story.play(house, plan)
    except (TooLate, ExceptionGroup) as error:
        sys.stdout.write(f"seed {plan.seed}; {faults}; BAD: {error}\n")
        return 1
    said = "good" if verdict.is_good else "BAD: " + "; ".join(verdict.problems)
    sys.stdout.write(
        f"seed {plan.seed}; {faults}; accepted {verdict.accepted}, states {verdict.states}, submits {verdict.submits}, "
        f"unknown for a while {verdict.unknown_attempts}, never submitted {verdict.never_submitted}; {said}\n"
    )
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
