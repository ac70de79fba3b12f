"""What the database was asked: statements, transactions, and where its time went."""

import re
from dataclasses import dataclass
from typing import Any

import psycopg

_TRAVELS_ALONG = re.compile(r"/\* sent along \*/|^SELECT (\$?\d+) FROM ONLY .* FOR KEY SHARE OF x$")


@dataclass(frozen=True)
class Statement:
    """One statement's cost over a run."""

    query: str
    calls: int
    milliseconds: float
    rows: int


@dataclass(frozen=True)
class Asked:
    """Everything the database was asked over a run, in how many round trips.

    BEGIN and COMMIT are round trips as well.  What travels along with the statement before it is none, nor is what the
    server asks itself for a foreign key.
    """

    round_trips: int
    transactions: int
    dearest: list[Statement]


class Database:
    """The house's database through its superuser: past row-level security, and into its statistics."""

    def __init__(self, dsn: dict[str, str]) -> None:
        self._connection = psycopg.connect(**dsn, autocommit=True)

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_error) -> None:
        self._connection.close()

    def rows(self, query: str, *values: Any) -> list[tuple]:
        return self._connection.execute(query, values or None).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        return self.rows(query, *values)[0][0]

    def execute(self, query: str, *values: Any) -> int:
        return self._connection.execute(query, values or None).rowcount

    def forget(self) -> int:
        """Start counting anew; the number of transactions so far."""
        self.rows("SELECT pg_stat_statements_reset()")
        return self._transactions()

    def asked(self, *, transactions_before: int, most: int = 20) -> Asked:
        """What was asked since `forget`, our own questions left out."""
        found = self.rows(
            "SELECT regexp_replace(s.query, '\\s+', ' ', 'g'), s.calls, s.total_exec_time + s.total_plan_time, s.rows"
            " FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname <> 'postgres'"
            " ORDER BY 3 DESC"
        )
        statements = [Statement(query, calls, milliseconds, rows) for query, calls, milliseconds, rows in found]
        transactions = self._transactions() - transactions_before
        round_trips = sum(one.calls for one in statements if not _TRAVELS_ALONG.search(one.query))
        return Asked(round_trips, transactions, statements[:most])

    def _transactions(self) -> int:
        self.rows("SELECT pg_stat_force_next_flush()")
        return self.one("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()")
