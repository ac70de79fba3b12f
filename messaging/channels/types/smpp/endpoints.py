"""How a session begins: as a client that binds, or as a server that listens."""

from __future__ import annotations

import asyncio
import ssl as tls

from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.session import DEFAULT_LIMITS, ConnectFailed, Limits, Session, SessionHandler


async def connect(
    handler: SessionHandler,
    *,
    host: str,
    port: int,
    command: int,
    bind: pdu.Bind,
    limits: Limits = DEFAULT_LIMITS,
    ssl: tls.SSLContext | None = None,
) -> Session:
    """Bind as a client.  ConnectFailed (BindRefused with the carrier's reason) means that nothing was sent."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(limits.bind_timeout):
            _transport, session = await loop.create_connection(
                lambda: Session(handler, serves=pdu.DELIVER_SM, limits=limits), host, port, ssl=ssl
            )
    except (OSError, TimeoutError) as error:
        raise ConnectFailed(str(error) or "no connection in time") from error
    try:
        await session.bind(command, bind)
    except TimeoutError as error:
        session.close("no answer to the bind", at_once=True)
        raise ConnectFailed("no answer to the bind") from error
    except asyncio.CancelledError:
        session.close("cancelled", at_once=True)
        raise
    return session


async def serve(
    handler: SessionHandler,
    *,
    host: str,
    port: int,
    limits: Limits = DEFAULT_LIMITS,
    ssl: tls.SSLContext | None = None,
) -> asyncio.Server:
    """Listen; every session shares the one `handler`, which keeps its own list of those it let in."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: Session(handler, serves=pdu.SUBMIT_SM, limits=limits), host, port, ssl=ssl, backlog=1024
    )
