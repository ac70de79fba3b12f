"""What the sandbox remembers: one SQLite file, so that a paid session stays paid when the sandbox is killed."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, object TEXT NOT NULL,
    body TEXT NOT NULL, private TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (object, position);
CREATE TABLE IF NOT EXISTS overlays (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    stored_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    position INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL, outcome TEXT NOT NULL DEFAULT 'waiting');
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at) WHERE outcome = 'waiting';
"""
SELECT = "SELECT position, body, private FROM objects"
CHUNK = 200


@dataclass
class Entry:
    """One object of ours: what the API shows, and what only the sandbox knows about it."""

    position: int
    body: dict[str, Any]
    private: dict[str, Any]


class Store:
    """Objects, replies and deliveries.  Safe to use from many threads; `transaction` makes several writes one."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside, or none.  Inner transactions join the outer one."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                if outermost:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def rows(self, sql: str, *values: Any) -> list[tuple]:
        """The rows of one statement."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def add(self, body: dict[str, Any], **private: Any) -> None:
        """Remember a new object."""
        self.rows(
            "INSERT INTO objects (id, object, body, private) VALUES (?, ?, ?, ?)",
            body["id"], body["object"], json.dumps(body), json.dumps(private),
        )  # fmt: skip

    def save(self, entry: Entry) -> None:
        """Remember what changed about an object."""
        self.rows(
            "UPDATE objects SET body = ?, private = ? WHERE position = ?",
            json.dumps(entry.body), json.dumps(entry.private), entry.position,
        )  # fmt: skip

    def find(self, object: str, id: str) -> Entry | None:
        """The object of that kind and id, or nothing."""
        rows = self.rows(f"{SELECT} WHERE id = ? AND object = ?", id, object)
        return _entry(rows[0]) if rows else None

    def newest_first(self, object: str, *, before: int | None = None) -> Iterator[Entry]:
        """Objects of a kind from the newest on, from before a position if one is given."""
        edge = before if before is not None else 1 << 62
        sql = f"{SELECT} WHERE object = ? AND position < ? ORDER BY position DESC LIMIT ?"
        while rows := self.rows(sql, object, edge, CHUNK):
            yield from map(_entry, rows)
            edge = rows[-1][0]

    def oldest_first(self, object: str, *, after: int = 0) -> Iterator[Entry]:
        """Objects of a kind from the oldest on, from after a position if one is given."""
        sql = f"{SELECT} WHERE object = ? AND position > ? ORDER BY position LIMIT ?"
        while rows := self.rows(sql, object, after, CHUNK):
            yield from map(_entry, rows)
            after = rows[-1][0]

    def overlay(self, id: str, **fields: Any) -> None:
        """Remember what the engine behind cannot hold about one of its objects; see `Backend`."""
        body = json.dumps(self.overlay_of(id) | fields)
        self.rows("INSERT INTO overlays VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body", id, body)

    def overlay_of(self, id: str) -> dict[str, Any]:
        """What was remembered about an object of the engine behind."""
        rows = self.rows("SELECT body FROM overlays WHERE id = ?", id)
        return json.loads(rows[0][0]) if rows else {}


def _entry(row: tuple) -> Entry:
    return Entry(row[0], json.loads(row[1]), json.loads(row[2]))
