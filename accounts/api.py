"""The API's front door: who holds this key, and what may it do?"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions, permissions

from kit import limits, tenancy
from kit.errors import DomainError
from kit.sealing import fingerprint
from kit.sql import columns_of, loaded

from . import audit
from .addresses import is_inside
from .errors import (
    KeyExpired,
    KeyMissing,
    KeyRevoked,
    KeyUnknown,
    NetworkNotAllowed,
    OrganisationSuspended,
    ScopeMissing,
)
from .middleware import request_id
from .models import ApiKey, Organisation

USE_NOTED_EVERY = timedelta(minutes=1)
LONGEST_SECRET = 100


@dataclass(frozen=True, slots=True)
class AuthenticatedKey:
    """A key that may be used, and whose it is.  DRF keeps it as `request.auth`."""

    key: ApiKey
    organisation: Organisation

    def require(self, scope: str) -> None:
        """Raises ScopeMissing when the key was not given `scope`."""
        if scope not in self.key.scopes:
            raise ScopeMissing(scope=scope, has=list(self.key.scopes))


def authenticate_key(secret: str, address: str | None) -> AuthenticatedKey:
    """Find the key, check it, and put the open transaction into its organisation's scope.

    Two round trips whatever the secret is, so that time tells nothing about it.  Its use is noted once a minute.
    Raises KeyMissing, KeyUnknown, KeyRevoked, KeyExpired (401), NetworkNotAllowed, OrganisationSuspended (403).
    """
    if not secret or len(secret) > LONGEST_SECRET:
        raise KeyMissing if not secret else KeyUnknown
    key, organisation = _enter_by(fingerprint(secret))
    if key is None:
        raise KeyUnknown
    _check(key, organisation, address)
    _note_use(key)
    return AuthenticatedKey(key, organisation)


def authenticate_request(request: HttpRequest, *, counts: bool = True) -> AuthenticatedKey:
    """The same from a request's Authorization header; whatever it does is recorded under the key's name.

    Raises TooManyRequests too, unless `counts` is off: then the caller counts the request itself (kit.limits).
    """
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise KeyMissing
    address = getattr(request, "address", None)
    found = authenticate_key(secret.strip(), address)
    audit.act(audit.machine(found.key, address=address, request_id=request_id()))
    request.organisation = found.organisation
    timezone.activate(found.organisation.time_zone)
    if counts:
        limits.count(found.key.pk)
    return found


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer sb_live_…`"""

    def authenticate(self, request) -> tuple[None, AuthenticatedKey]:
        return None, authenticate_request(request._request)

    def authenticate_header(self, request) -> str:
        return 'Bearer realm="api"'


class HasScope(permissions.BasePermission):
    """The view names the scope it needs as `required_scope`, or as a mapping from HTTP method to scope.

    A view that names none is a mistake and lets nobody in.
    """

    def has_permission(self, request, view) -> bool:
        if request.auth is None:
            return False
        required: Any = getattr(view, "required_scope", None)
        if isinstance(required, dict):
            required = required.get("GET" if request.method == "HEAD" else request.method)
        if required is None:
            raise exceptions.MethodNotAllowed(request.method)
        request.auth.require(required)
        return True


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema) -> dict:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "sb_live_… or sb_test_…"}


# One round trip: become a visitor who presents this key, read its row, step into its organisation, read that.
# Three statements, because each one's policies must see what the one before it has set.
_KEY_COLUMNS, _ORGANISATION_COLUMNS = columns_of(ApiKey), columns_of(Organisation)
_ENTER = f"""
SELECT set_config('role', %s, true), set_config('app.organisation', '', true), set_config('app.path', '', true),
    set_config('app.reach', 'own', true), set_config('app.user', '', true), set_config('app.memberships', '{{}}', true),
    set_config('app.presented', %s, true);
SELECT /* sent along */ set_config('app.organisation', organisation_id::text, true), {", ".join(_KEY_COLUMNS)}
    FROM accounts_apikey WHERE fingerprint = %s;
SELECT /* sent along */ set_config('app.path', path::text, true), set_config('app.presented', '', true), {", ".join(_ORGANISATION_COLUMNS)}
    FROM accounts_organisation WHERE id = nullif(current_setting('app.organisation'), '')::uuid
"""  # noqa: S608  (column names of our own models)


def _enter_by(mark: str) -> tuple[ApiKey | None, Organisation | None]:
    with connection.cursor() as cursor:
        cursor.execute(_ENTER, [tenancy.WEB_ROLE, mark, mark])
        cursor.nextset()
        key_row = cursor.fetchone()
        cursor.nextset()
        organisation_row = cursor.fetchone()
    if key_row is None or organisation_row is None:
        tenancy.adopt(tenancy.Scope(presented=mark))
        return None, None
    key, organisation = loaded(ApiKey, key_row[1:]), loaded(Organisation, organisation_row[2:])
    key.organisation = organisation
    tenancy.adopt(tenancy.Scope(organisation=organisation.pk, path=organisation.path))
    return key, organisation


def _check(key: ApiKey, organisation: Organisation, address: str | None) -> None:
    refusal: DomainError | None = None
    if key.revoked_at is not None:
        refusal = KeyRevoked()
    elif key.is_expired:
        refusal = KeyExpired()
    elif key.networks and not is_inside(address, key.networks):
        refusal = NetworkNotAllowed(address=address)
    elif organisation.is_stopped:
        refusal = OrganisationSuspended()
    if refusal is not None:
        raise refusal


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY:
        # Requests of one key must not wait for each other over a note: who finds the row taken leaves it to the other.
        free = ApiKey.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=key.pk).values("pk")
        ApiKey.objects.filter(pk__in=free).update(last_used_at=now)
