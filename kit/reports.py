"""Figures and files of long spans, read where they are in nobody's way: on a replica, when the house has one.

    totals = read_report(lambda database: counts.using(database).aggregate(…))    # at once
    return ReportResponse(lambda database: csv_lines(rows(database), header=…))   # line by line, while it is sent

Both read in the scope of whoever asks, in a transaction that can't write.  Where there is no replica, or it is away, or it
is further behind than `REPORTS_MOST_SECONDS_BEHIND`, they read from the primary as everything else does.  What takes the
replica too long is refused: on the primary it would be in everybody's way.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from typing import Any, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections, transaction
from django.http import StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from kit.errors import DomainError
from kit.tenancy.scope import APPLY, Scope, current_scope, enter

log = logging.getLogger(__name__)
Found = TypeVar("Found")

REPLICA = "reports"
#: For so long a replica that was found unusable is not asked again: nobody waits for it twice in a row.
REST_SECONDS = 10.0
TROUBLE = (OperationalError, InterfaceError)
#: PostgreSQL's code for a statement that took longer than `statement_timeout`.
TOO_LONG = "57014"
#: Its codes and classes for giving up what it was asked: a conflict with what it replays, the end of the connection or of
#: the server.  A connection that is just gone has none.
GIVEN_UP = ("40001", "40P01", "08", "57P")

NOT_WHOLE = _("This file is not whole: something went wrong on our side. Please fetch it again.")

# A house at work commits every few seconds, so the age of what was replayed last is how far behind a standby is.
_HOW_FAR_BEHIND = "SELECT pg_is_in_recovery(), extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float"
_resting_until = 0.0


class ReportTooLong(DomainError):
    """The replica stopped reading; nobody's other report is touched by that."""

    code = "report_too_long"
    message = _("This takes too long to put together. Choose a shorter span.")


class ReportsRouter:
    """Nobody reads the replica who did not ask for it by name, and nothing is ever written or migrated there."""

    def db_for_read(self, model: type, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def db_for_write(self, model: type, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == REPLICA else None


def read_report(read: Callable[[str], Found]) -> Found:
    """What `read(database)` finds in the caller's scope; asked of the primary again when the replica gives up midway.

    `read` names the database in each query (`.using(database)`) and leaves nothing to be read later.  Raises
    ReportTooLong when the replica has worked on a query of it for as long as it may.
    """
    scope = current_scope()
    if scope is not None and _may_be_asked():
        try:
            with _watched(), ExitStack() as stack:
                if _open_replica(stack, scope):
                    return read(REPLICA)
        except TROUBLE as error:
            if not _has_given_up(error):
                raise
    return read(DEFAULT_DB_ALIAS)


class ReportResponse(StreamingHttpResponse):
    """A file made of what `read(database)` finds, in the scope, language and time zone of the request it answers.

    It holds no transaction of the primary while it is read from the replica, however slowly it is fetched.  One that
    can't be read to its end says so in its last line: servers end what breaks off as if it were whole.
    """

    def __init__(self, read: Callable[[str], Iterable[str]], **kwargs: Any) -> None:
        asked = current_scope(), translation.get_language(), timezone.get_current_timezone()
        super().__init__(self._lines(read, *asked), **kwargs)

    @staticmethod
    def _lines(read: Callable[[str], Iterable[str]], scope: Scope | None, language: str, zone: Any) -> Iterator[str]:
        with translation.override(language), timezone.override(zone):
            try:
                with _reading(scope) as database:
                    yield from read(database)
            except Exception as error:
                yield f"{error if isinstance(error, DomainError) else NOT_WHOLE}\n"
                raise


@contextmanager
def _reading(scope: Scope | None) -> Iterator[str]:
    if scope is not None and _may_be_asked():
        with _watched(), ExitStack() as stack:
            if _open_replica(stack, scope):
                yield REPLICA
                return
    with nullcontext() if scope is None else enter(scope):
        yield DEFAULT_DB_ALIAS


@contextmanager
def _watched() -> Iterator[None]:
    """A replica that gives up while it is read has a rest; one that was asked for too much has not."""
    try:
        yield
    except TROUBLE as error:
        if _code(error) == TOO_LONG:
            raise ReportTooLong from error
        if _has_given_up(error):
            _let_rest(str(error))
        raise


def _has_given_up(error: Exception) -> bool:
    code = _code(error)
    return not code or code.startswith(GIVEN_UP)


def _code(error: Exception) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""


def _may_be_asked() -> bool:
    return (
        REPLICA in connections.settings
        and time.monotonic() >= _resting_until
        and not connections[REPLICA].in_atomic_block  # a report within a report
    )


def _open_replica(stack: ExitStack, scope: Scope) -> bool:
    """Begin a transaction there under `scope`, which ends with `stack`.  False when the replica is of no use now."""
    with ExitStack() as attempt:
        try:
            attempt.enter_context(transaction.atomic(using=REPLICA))
            problem = _problem()
            if not problem:
                _put_under(scope)
        except TROUBLE as error:
            problem = str(error)
        if problem:
            _let_rest(problem)
            with suppress(DatabaseError):
                attempt.close()
            return False
        stack.push(attempt.pop_all())
    return True


def _problem() -> str:
    with connections[REPLICA].cursor() as cursor:
        cursor.execute(_HOW_FAR_BEHIND)
        is_standby, behind = cursor.fetchone()
    if not is_standby:
        return "it is no standby of the primary"
    if behind is None or behind > settings.REPORTS_MOST_SECONDS_BEHIND:
        return "it has replayed nothing yet" if behind is None else f"it is {behind:.0f} s behind"
    return ""


def _put_under(scope: Scope) -> None:
    with connections[REPLICA].cursor() as cursor:
        cursor.execute(APPLY, (scope.role, *scope.settings()))


def _let_rest(why: str) -> None:
    global _resting_until
    _resting_until = time.monotonic() + REST_SECONDS
    log.warning("reports are read from the primary", extra={"why": why.strip().partition("\n")[0]})
