"""A Valkey of a test's own, to be stopped, frozen and started again."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.stack.identity import server_identity
from portal.stack.keyring import Keyring
from portal.stack.layout import Layout
from portal.stack.processes import Part
from portal.stack.valkey import Valkey
from tests.chaos.house import wait_until


class OwnValkey:
    def __init__(self, folder: Path) -> None:
        layout = Layout(var=folder, identity=server_identity())
        layout.make()
        self.server = Valkey(layout, Keyring(layout.secret))
        self.server.prepare()
        self.part = Part(self.server.spec(), layout.log)

    @property
    def environment(self) -> dict[str, str]:
        return {"CACHE_URL": self.server.cache_url, "CELERY_BROKER_URL": self.server.broker_url}

    def start(self) -> None:
        self.part.start()
        wait_until(self.server.is_ready, seconds=30, what="Valkey answers")

    def freeze(self) -> None:
        """The worst way to be away: whoever asks waits."""
        os.kill(self.part.pid, signal.SIGSTOP)

    def kill(self) -> None:
        self.part.kill()


@contextmanager
def own_valkey() -> Iterator[OwnValkey]:
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        Path(folder).chmod(0o711)
        valkey = OwnValkey(Path(folder) / "var")
        try:
            yield valkey
        finally:
            valkey.kill()
