"""A carrier inside a test: real sockets, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from portal.stack.carrier.journal import read_journal
from portal.stack.carrier.rules import Rules
from portal.stack.carrier.server import Carrier, Settings


class CarrierInThread:
    """What a test may ask of a running carrier."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._carrier = Carrier(settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="carrier", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._carrier.start(), self._loop).result(5)

    @property
    def port(self) -> int:
        return self._carrier.port

    @property
    def journal(self) -> list[dict]:
        self.ask(self._carrier._journal.flush)
        return read_journal(self.settings.log)

    def stats(self) -> dict[str, int]:
        return self.ask(self._carrier.stats)

    def replace_rules(self, rules: Rules) -> None:
        self.ask(lambda: self._carrier.replace_rules(rules))

    def drop_lines(self) -> int:
        return self.ask(self._carrier.drop_lines)

    def send_inbound(self, *, sender: str, recipient: str, said: str) -> None:
        self.ask(lambda: self._carrier.send_inbound(sender=sender, recipient=recipient, said=said))

    def ask(self, do: Callable[[], Any]) -> Any:
        async def done() -> Any:
            return do()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(5)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._carrier.stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


@contextmanager
def running_carrier(log: Path, *, rules: Rules | None = None, **settings: Any) -> Iterator[CarrierInThread]:
    """A carrier on a free port that writes to `log`, well behaved unless `rules` say otherwise."""
    carrier = CarrierInThread(Settings(log=log, port=0, rules=rules or Rules(), **settings))
    try:
        yield carrier
    finally:
        carrier.stop()
