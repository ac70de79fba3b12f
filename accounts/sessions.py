"""Sessions in the database, read with every page: `SESSION_ENGINE = "accounts.sessions"`."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.auth import SESSION_KEY as USER_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends import db
from django.utils import timezone
from django.utils.crypto import constant_time_compare

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


def is_open(stored: str | None, *, user: AbstractBaseUser, hashes: Iterable[str]) -> bool:
    """Whether what is stored of a session signs this person in, as `django.contrib.auth.get_user` would say.

    `hashes` are the person's session hashes that count: another password has others.  Nothing stored has ended.
    """
    said = SessionStore().decode(stored) if stored else {}
    return (
        said.get(USER_KEY) == user._meta.pk.value_to_string(user)
        and said.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
        and any(constant_time_compare(said.get(HASH_SESSION_KEY) or "", wanted) for wanted in hashes)
    )
