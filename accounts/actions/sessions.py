from collections.abc import Collection, Iterable

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction

from accounts.models import User
from accounts.queries import sessions_of
from accounts.sessions import is_open


@transaction.atomic
def forget_ended_sessions(*, user: User) -> list[UserSession]:
    """Forget which of a person's sessions let nobody in any more; the others are given, oldest first.

    One statement to read them and one to forget, whatever their number.
    """
    listed = list(sessions_of(user))
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    is_kept = {session.pk: is_open(session.stored, user=user, hashes=hashes) for session in listed}
    _forget(session for session in listed if not is_kept[session.pk])
    return [session for session in listed if is_kept[session.pk]]


@transaction.atomic
def end_sessions(*, sessions: Collection[UserSession]) -> None:
    """Sign their browsers out from their next page on.  Two statements, whatever their number."""
    Session.objects.filter(pk__in=[session.session_key for session in sessions]).delete()
    _forget(sessions)


def _forget(sessions: Iterable[UserSession]) -> None:
    if ids := [session.pk for session in sessions]:
        UserSession.objects.filter(pk__in=ids).delete()
