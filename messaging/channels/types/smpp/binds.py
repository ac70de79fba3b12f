"""One bind that comes up by itself, again and again, until its line closes."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from messaging.channels.types.base import BindState
from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.config import SmppConfig
from messaging.channels.types.smpp.endpoints import connect
from messaging.channels.types.smpp.session import BindRefused, ConnectFailed, Limits, Session, SessionHandler

_LONGEST_PAUSE = 60
_T = TypeVar("_T")


class Standing(NamedTuple):
    """How a bind stands, since when, and what was last wrong with it."""

    state: BindState
    since: datetime
    error: str


class Owner(Protocol):
    """Who keeps the bind: hears when it is up, before it says goodbye, and when it is gone."""

    def bind_up(self, session: Session) -> None: ...

    async def before_goodbye(self, session: Session) -> None: ...

    def bind_gone(self, session: Session) -> None: ...

    def bind_stands(self, bind: Bind) -> None: ...


class Bind:
    """Keeps one session up.  Everything runs in the loop of its line."""

    def __init__(self, config: SmppConfig, command: int, owner: Owner, handler: SessionHandler) -> None:
        self._config, self._command, self._owner, self._handler = config, command, owner, handler
        self.standing = Standing("connecting", datetime.now(UTC), "")

    async def stay(self, stopping: asyncio.Event) -> None:
        """Bind, and bind anew whenever the session ends, until `stopping`; then say goodbye."""
        pause = self._config.reconnect_seconds
        while not stopping.is_set():
            if await self._one_session(stopping):
                pause = self._config.reconnect_seconds
            # Jitter, so that the binds of many workers do not knock at a restarted carrier all at once.
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(_LONGEST_PAUSE, pause * 2)
        self._stand("down", "closed")

    async def _one_session(self, stopping: asyncio.Event) -> bool:
        """Bind and stay until the session ends.  True when it had come up at all."""
        try:
            session = await _unless(stopping, self._connected())
        except BindRefused as error:
            self._stand("refused", str(error))
            return False
        except ConnectFailed as error:
            self._stand("down", str(error))
            return False
        if session is None:
            return False
        self._stand("bound", "")
        self._owner.bind_up(session)
        await _unless(stopping, session.closed.wait())
        if not session.closed.is_set():
            await self._owner.before_goodbye(session)
            await session.unbind(patience=self._config.response_timeout_seconds)
            await session.closed.wait()
        self._stand("down", session.why_closed)
        self._owner.bind_gone(session)
        return True

    async def _connected(self) -> Session:
        config = self._config
        return await connect(
            self._handler,
            host=config.host,
            port=config.port,
            command=self._command,
            bind=pdu.Bind(config.system_id, config.password, config.system_type),
            limits=Limits(
                window=config.window,
                response_timeout=config.response_timeout_seconds,
                enquire_link=config.enquire_link_seconds,
            ),
            ssl=_tls(config) if config.tls else None,
        )

    def _stand(self, state: BindState, error: str) -> None:
        before, now = self.standing, datetime.now(UTC)
        self.standing = Standing(state, before.since if before.state == state else now, error)
        if (before.state, before.error) != (state, error):
            self._owner.bind_stands(self)


async def _unless(stopping: asyncio.Event, coroutine: Coroutine[Any, Any, _T]) -> _T | None:
    """Its result, or None when it was cut short because the line is closing."""
    loop = asyncio.get_running_loop()
    work, stop = loop.create_task(coroutine), loop.create_task(stopping.wait())
    await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if work.done():
        return work.result()
    work.cancel()
    await asyncio.wait((work,))
    return None


def _tls(config: SmppConfig) -> ssl.SSLContext:
    """Raises ConnectFailed when the authorities to trust can't be read."""
    try:
        context = ssl.create_default_context(cafile=config.tls_ca_file or None)
    except OSError as error:
        raise ConnectFailed(f"{config.tls_ca_file}: {error}") from error
    if config.tls_any_certificate:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
