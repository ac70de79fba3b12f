import select
from datetime import UTC
from functools import cache
from time import monotonic
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.adapt import AdaptersMap
from psycopg.postgres import types
from psycopg.pq import Format, TransactionStatus

_FINE = TransactionStatus.IDLE, TransactionStatus.INTRANS
#: What lies between us and the server may forget a connection that was silent for longer, and say nothing.
LONGEST_TRUST_SECONDS = 30
#: A plan is made for the tables as they are, and a day's partition grows from nothing: none is kept for longer.
PLANS_KEPT_SECONDS = 5
_TIMESTAMPTZ = types["timestamptz"].oid


@cache
def _with_quick_times(adapters: AdaptersMap) -> AdaptersMap:
    """The same, but a time is read as psycopg does it: in C, in the session's time zone, which is UTC.

    Django's own way, in Python, comes to the same and takes fifteen times as long, for each time of each row.
    """
    quick = AdaptersMap(adapters)
    quick.register_loader("timestamptz", psycopg.adapters.get_loader(_TIMESTAMPTZ, Format.TEXT))
    return quick


class DatabaseWrapper(base.DatabaseWrapper):
    _looked_at = 0.0
    _plans_since = 0.0

    def get_connection_params(self) -> dict[str, Any]:
        parameters = super().get_connection_params()
        if self.timezone is UTC:
            parameters["context"] = _with_quick_times(parameters["context"])
        return parameters

    def create_cursor(self, name: str | None = None) -> psycopg.Cursor:
        """The cursors Django would make, less its look whether they read times in its own way."""
        if self.timezone is not UTC:
            return super().create_cursor(name)
        if name is None:
            return self.connection.cursor()
        return base.ServerSideCursor(self.connection, name=name, scrollable=False, withhold=self.connection.autocommit)

    def is_usable(self) -> bool:
        """Whether the connection still is one.  Asks the server only when in doubt: when it has said something unasked, a
        transaction failed, or nobody has looked for a while.

        A server that stops, restarts or ends a session says so, or its side of the socket is closed: either can be
        read.  Django asks `SELECT 1` before each request and task instead, a round trip in every dozen of ours.
        """
        if self.connection is None or self.connection.closed:
            return False
        now, before = monotonic(), self._looked_at
        self._looked_at = now
        return (now - before < LONGEST_TRUST_SECONDS and self._is_quiet()) or super().is_usable()

    def forget_old_plans(self) -> None:
        """Have the server plan prepared statements anew after some seconds: a round trip now and then."""
        self.validate_no_broken_transaction()
        now = monotonic()
        if now - self._plans_since > PLANS_KEPT_SECONDS:
            self._plans_since = now
            with self.wrap_database_errors:
                self.connection.execute("DISCARD PLANS")

    def _is_quiet(self) -> bool:
        if self.connection.info.transaction_status not in _FINE:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)
