"""One answer a key: the same `Idempotency-Key` gives the same messages for seven days."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.models import Organisation
from kit.errors import Invalid
from kit.ids import uuid7s
from kit.sql import array, rows, run, text_array
from messaging.engine.errors import KeyReused
from messaging.engine.models import IdempotencyRecord

LONGEST_KEY = 255

# In the order of the keys: two requests that claim some of the same then wait for each other one way round only.
_CLAIM = """
INSERT INTO engine_idempotencyrecord (id, organisation_id, key, request_fingerprint, response, status, created_at)
SELECT id, %(organisation)s, key, fingerprint, 'null', 0, now()
FROM unnest(%(ids)s::uuid[], %(keys)s::text[], %(fingerprints)s::text[]) AS a (id, key, fingerprint) ORDER BY key
ON CONFLICT (organisation_id, key) DO UPDATE SET id = excluded.id, request_fingerprint = excluded.request_fingerprint,
    response = 'null', status = 0, created_at = now()
    WHERE engine_idempotencyrecord.created_at < %(forgotten)s
RETURNING key
"""
_KEEP = """
UPDATE engine_idempotencyrecord SET response = a.response::jsonb, status = %(status)s
FROM unnest(%(keys)s::text[], %(responses)s::text[]) AS a (key, response)
WHERE organisation_id = %(organisation)s AND engine_idempotencyrecord.key = a.key
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
    if not is_usable(key):
        raise Invalid(fields={"Idempotency-Key": f"Use up to {LONGEST_KEY} printable characters."})
    fingerprint = fingerprint_of(request, is_test=is_test)
    if not claim(organisation, {key: fingerprint}):
        return _first_answer(organisation, key, fingerprint)
    status, body = act()
    keep(organisation, {key: body}, status=status)
    return status, body


def is_usable(key: str) -> bool:
    return len(key) <= LONGEST_KEY and key.isprintable()


def fingerprint_of(request: bytes, *, is_test: bool) -> str:
    return hashlib.sha256(b"test:" + request if is_test else request).hexdigest()


def claim(organisation: Organisation, fingerprints: Mapping[str, str]) -> set[str]:
    """Make keys ours, each for the request with that fingerprint; those that nobody had used.

    Waits for whoever is using one now.  The transaction then stores an answer for each (`keep`) or gives it up (`give_up`).
    """
    claimed = rows(
        _CLAIM,
        {
            "organisation": organisation.pk,
            "ids": array(uuid7s(len(fingerprints))),
            "keys": text_array(fingerprints),
            "fingerprints": text_array(fingerprints.values()),
            "forgotten": timezone.now() - timedelta(days=settings.IDEMPOTENCY_DAYS),
        },
    )
    return {key for (key,) in claimed}


def keep(organisation: Organisation, answers: Mapping[str, dict[str, Any]], *, status: int) -> None:
    """Store what was answered under each claimed key."""
    responses = text_array([json.dumps(body) for body in answers.values()])
    run(
        _KEEP,
        {"organisation": organisation.pk, "keys": text_array(answers), "responses": responses, "status": status},
    )


def give_up(organisation: Organisation, keys: Iterable[str]) -> None:
    """Leave claimed keys unused after all."""
    IdempotencyRecord.objects.filter(organisation=organisation, key__in=keys).delete()


def _first_answer(organisation: Organisation, key: str, fingerprint: str) -> tuple[int, dict[str, Any]]:
    record = IdempotencyRecord.objects.get(organisation=organisation, key=key)
    if record.request_fingerprint != fingerprint:
        raise KeyReused(key=key)
    return record.status, record.response
