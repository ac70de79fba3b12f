"""One answer a key: the same `Idempotency-Key` gives the same messages for seven days."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.models import Organisation
from kit.errors import Invalid
from kit.ids import uuid7
from kit.sql import rows
from messaging.engine.errors import KeyReused
from messaging.engine.models import IdempotencyRecord

LONGEST_KEY = 255

_CLAIM = """
INSERT INTO engine_idempotencyrecord (id, organisation_id, key, request_fingerprint, response, status, created_at)
VALUES (%(id)s, %(organisation)s, %(key)s, %(fingerprint)s, 'null', 0, now())
ON CONFLICT (organisation_id, key) DO UPDATE SET id = excluded.id, request_fingerprint = excluded.request_fingerprint,
    response = 'null', status = 0, created_at = now()
    WHERE engine_idempotencyrecord.created_at < %(forgotten)s
RETURNING id
"""


def answer_once(
    *,
    organisation: Organisation,
    key: str,
    request: bytes,
    is_test: bool,
    act: Callable[[], tuple[int, dict[str, Any]]],
) -> tuple[int, dict[str, Any]]:
    """Run `act` unless the key was used before; its answer (HTTP status, body), now or as it was given the first time.

    The key, what `act` stores and its answer commit together.  Of two at once the second waits for the first.
    Raises KeyReused when the key came with a different request (what was only tried is not what is meant: a test is
    another request), Invalid for a key that can't be one; a refusal raised by `act` leaves the key unused.
    """
    if not key:
        return act()
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise Invalid(fields={"Idempotency-Key": f"Use up to {LONGEST_KEY} printable characters."})
    fingerprint = hashlib.sha256(b"test:" + request if is_test else request).hexdigest()
    forgotten = timezone.now() - timedelta(days=settings.IDEMPOTENCY_DAYS)
    claimed = rows(
        _CLAIM,
        {
            "id": uuid7(),
            "organisation": organisation.pk,
            "key": key,
            "fingerprint": fingerprint,
            "forgotten": forgotten,
        },
    )
    if not claimed:
        return _first_answer(organisation, key, fingerprint)
    status, body = act()
    IdempotencyRecord.objects.filter(pk=claimed[0][0]).update(response=body, status=status)
    return status, body


def _first_answer(organisation: Organisation, key: str, fingerprint: str) -> tuple[int, dict[str, Any]]:
    record = IdempotencyRecord.objects.get(organisation=organisation, key=key)
    if record.request_fingerprint != fingerprint:
        raise KeyReused(key=key)
    return record.status, record.response
