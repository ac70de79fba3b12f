import select

from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

_FINE = TransactionStatus.IDLE, TransactionStatus.INTRANS


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether the connection still is one.  Asks the server only when in doubt: when it has said something unasked, or
        a transaction failed.

        A server that stops, restarts or ends a session says so, or its side of the socket is closed: either can be
        read.  Django asks `SELECT 1` before each request and task instead, a round trip in every dozen of ours.
        """
        if self.connection is None or self.connection.closed:
            return False
        is_fine = self.connection.info.transaction_status in _FINE and not _has_word(self.connection.fileno())
        return is_fine or super().is_usable()


def _has_word(socket: int) -> bool:
    poll = select.poll()
    poll.register(socket, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))
