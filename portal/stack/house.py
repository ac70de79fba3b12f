"""The processes of the house: what each is called, how it is started, in whose name it connects."""

import sys
from dataclasses import dataclass
from pathlib import Path

from portal.queues import QUEUES
from portal.stack.environment import Role, Surroundings
from portal.stack.layout import HOUSE, Layout
from portal.stack.ports import HOST
from portal.stack.processes import Spec, Stage

#: More than Django gets at once (portal.front): those that only wait for company cost next to nothing.
WEB_THREADS = 64
#: Workers finish what they began; a task is limited to 30 s, and what is cut off is taken up again.
WORKER_GRACE_SECONDS = 30


@dataclass(frozen=True)
class House:
    """Everything needed to describe the processes of one installation."""

    layout: Layout
    surroundings: Surroundings

    def command(self, name: str, *argv: str | Path, role: Role, stage: Stage = Stage.DOORS, grace: float = 15) -> Spec:
        """A process of ours: a Python module or script, started in the project's folder."""
        return Spec(
            name=name,
            argv=(sys.executable, *argv),
            environment=self.surroundings.whole(role),
            folder=HOUSE,
            stage=stage,
            grace_seconds=grace,
        )

    def migrate(self) -> Spec:
        return self.command("migrate", "manage.py", "migrate", "--noinput", "-v1", role="owner")

    def collectstatic(self) -> Spec:
        return self.command("collectstatic", "manage.py", "collectstatic", "--noinput", "--clear", "-v0", role="owner")

    def seed(self) -> Spec:
        return self.command("seed", "manage.py", "seed_demo", role="worker")

    def web(self, port: int) -> Spec:
        return self.command(
            "web",
            *("-m", "portal.serve", "--interface", "wsgi", "--host", HOST, "--port", str(port), "--no-ws"),
            *("--workers", "1", "--blocking-threads", str(WEB_THREADS), "--workers-kill-timeout", "5"),
            "--respawn-failed-workers",
            "portal.wsgi:application",
            role="web",
        )

    def workers(self) -> list[Spec]:
        """One set of workers for each queue, so that slow work in one never holds up another."""
        return [self._worker(queue, count) for queue, count in QUEUES.items()]

    def _worker(self, queue: str, count: int) -> Spec:
        return self.command(
            f"worker-{queue}",
            *("-m", "celery", "-A", "portal", "worker", "-Q", queue, "-c", str(count), "-n", f"{queue}@%h"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO"),
            role="worker",
            stage=Stage.WORKERS,
            grace=WORKER_GRACE_SECONDS,
        )

    def beat(self) -> Spec:
        return self.command(
            "beat", "-m", "celery", "-A", "portal", "beat", "-l", "WARNING", "--pidfile", "", role="worker"
        )
