"""Sessions in the database, read with every page: `SESSION_ENGINE = "accounts.sessions"`."""

from typing import Any

from django.contrib.sessions.backends import db
from django.utils import timezone

from kit.sql import rows

_DATA = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s"


class SessionStore(db.SessionStore):
    """Django's own, whose one question of each page is asked by hand.  Nothing is kept: who is signed out, is at once."""

    def load(self) -> dict[str, Any]:
        found = rows(_DATA, [self.session_key, timezone.now()])
        if not found:
            self._session_key = None
            return {}
        [(data,)] = found
        return self.decode(data)
