"""How long a house of many messages takes to come back from its backup.

    nice .venv/bin/python bench/restoring.py [--messages 1000000]

Fills a house of its own under var/bench/restoring as bench/stored.py does, backs it up while it works, and runs the restore
drill: the copy laid out and recovered, everything that may have left given up, every invariant of the books checked.  Fails
when the drill says BAD or takes longer than is promised.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import report, stored  # noqa: E402
from bench.house import ROOT, House, WentWrong, enter, house  # noqa: E402
from bench.statements import Database  # noqa: E402

VAR = ROOT / "var" / "bench" / "restoring"
BACKUPS = VAR.with_name("restoring-backups")
MOST_SECONDS = 300.0


class Restored(NamedTuple):
    """What was measured.  `verdict` is the drill's own line."""

    backup_seconds: float
    drill_seconds: float
    verdict: str


def measure(messages: int, *, port: int) -> Restored:
    shutil.rmtree(BACKUPS, ignore_errors=True)
    with house(VAR, port=port) as found:
        enter(found)
        with Database(found.admin_dsn) as database:
            stored.fill(found, database, messages)
        backup_seconds, _said = timed(found, "backup", "--to", str(BACKUPS))
        drill_seconds, verdict = timed(found, "restore_drill", "--from", str(BACKUPS))
    return Restored(backup_seconds, drill_seconds, verdict)


def timed(found: House, *words: str) -> tuple[float, str]:
    """Seconds a command took, and what it said.  Raises WentWrong when it says no."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT, env={**os.environ, **found.worker_environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise WentWrong(f"manage.py {' '.join(words)}: {done.stdout}{done.stderr[-2_000:]}")
    return time.monotonic() - began, done.stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--port", type=int, default=8103)
    asked = parser.parse_args()
    print(report.machine())
    try:
        found = measure(asked.messages, port=asked.port)
    except WentWrong as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(BACKUPS, ignore_errors=True)
    print(
        f"{asked.messages:,} messages: backed up in {found.backup_seconds:.1f} s, drill of {found.drill_seconds:.1f} s"
    )
    print(found.verdict)
    return 0 if found.drill_seconds <= MOST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
