"""A dispatch worker whose first process gets stuck in a line for ever.

    python -m tests.never_wrong.worker_that_stands_still MARK CHANNEL [--unwatched]

Whoever takes the file MARK away gets stuck; the next process finds none and works.
"""

import sys
import threading
from pathlib import Path

import django

QUICK = {"PATIENCE_SECONDS": 3.0, "CALM_SECONDS": 1.0, "LOOK_SECONDS": 0.2}


def main(mark: Path, channel_id: str, *, is_watched: bool) -> None:
    django.setup()
    from celery.signals import worker_ready

    from messaging.channels.types.simulator.channel import SimulatorChannel
    from messaging.engine.tasks import drain_channel
    from portal import watchdog
    from portal.celery import app

    send = SimulatorChannel.send

    def send_or_stick(line, batch):
        if mark.exists():
            mark.unlink()
            threading.Event().wait()
        return send(line, batch)

    SimulatorChannel.send = send_or_stick
    for name, value in QUICK.items():
        setattr(watchdog, name, value)
    if not is_watched:
        watchdog.Watchdog.run = lambda self: None
    app.conf.task_always_eager = False
    worker_ready.connect(lambda **_: drain_channel.apply_async((channel_id,)), weak=False)
    app.worker_main(["worker", "-Q", "dispatch", "-c", "1", "--without-gossip", "--without-mingle", "-l", "INFO"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], is_watched="--unwatched" not in sys.argv)
