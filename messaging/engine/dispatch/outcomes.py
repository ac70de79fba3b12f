"""What came of a batch, written down in a few statements whatever its size."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from kit import tenancy
from kit.sql import rows, run
from messaging.channels.types.base import NotSent, Outcome, Refused, Sent, Unknown
from messaging.engine.settle import Change, settle
from messaging.engine.states import AttemptOutcome, Status

from .claim import Claimed

#: A definite "no" is tried again after so many seconds, by the number of tries made.
BACKOFF_SECONDS = (1, 2, 5, 10, 20, 40, 60)
NOT_SENT_PAUSE_SECONDS = 2
#: After so many tries the carrier's "not now" is taken as no.
MOST_TRIES = 30
#: What is kept of a carrier's name for a message; its receipts are cut alike.
LONGEST_REFERENCE = 65

# Whoever gives up expired leases goes past rows somebody holds: taken first, they keep the two from blocking each other.
_HOLD = "SELECT 1 FROM engine_queueentry WHERE message_id = ANY(%(ids)s::uuid[]) ORDER BY message_id FOR UPDATE"

_COUNT = """
    INSERT INTO engine_trafficcount (organisation_id, hour, campaign_id, channel_id, country, category, currency, status,
        error_code, messages, segments, amount, latency_ms, is_squashed)
    SELECT organisation_id, date_trunc('hour', now()), campaign_id, channel_id, country, category, currency, 40, '',
        count(*), sum(segments), 0, sum(extract(epoch FROM now() - uuid_extract_timestamp(id)) * 1000)::bigint, false
    FROM m WHERE NOT is_test GROUP BY organisation_id, campaign_id, channel_id, country, category, currency
"""

# The carrier's reference is kept even when our lease had run out meanwhile: the receipt will name it.  A carrier that calls
# two of a batch the same names one of them, and the rest of the batch is none the worse.
_SENT = f"""
WITH u AS (SELECT * FROM unnest(%(attempts)s::uuid[], %(ids)s::uuid[], %(references)s::text[]) u(attempt_id, message_id, reference)),
a AS (UPDATE engine_attempt a SET outcome = 1, carrier_reference = u.reference, ended_at = now() FROM u
    WHERE a.id = u.attempt_id AND a.id = ANY(%(attempts)s::uuid[])),
q AS (DELETE FROM engine_queueentry q USING u WHERE q.message_id = u.message_id AND q.attempt_id = u.attempt_id),
m AS (UPDATE engine_message m SET status = 40, submitted_at = now() FROM u
    WHERE m.id = u.message_id AND m.id = ANY(%(ids)s::uuid[]) AND m.status = 30
    RETURNING m.id, m.organisation_id, m.campaign_id, m.channel_id, m.country, m.category, m.currency, m.segments, m.is_test),
counted AS ({_COUNT})
INSERT INTO engine_carrierreference (channel_id, reference, message_id, organisation_id)
SELECT DISTINCT ON (u.reference) %(channel)s::uuid, u.reference, u.message_id, u.organisation_id
FROM unnest(%(references)s::text[], %(ids)s::uuid[], %(organisations)s::uuid[]) u(reference, message_id, organisation_id)
ON CONFLICT (channel_id, reference) DO UPDATE SET message_id = excluded.message_id, organisation_id = excluded.organisation_id
"""

_AGAIN = """
WITH u AS (SELECT * FROM unnest(%(attempts)s::uuid[], %(ids)s::uuid[], %(outcomes)s::smallint[], %(codes)s::text[], %(pauses)s::int[])
    u(attempt_id, message_id, outcome, code, pause)),
a AS (UPDATE engine_attempt a SET outcome = u.outcome, code = u.code, ended_at = now() FROM u
    WHERE a.id = u.attempt_id AND a.id = ANY(%(attempts)s::uuid[])),
q AS (UPDATE engine_queueentry q SET attempt_id = NULL, lease_until = NULL,
        due_at = greatest(q.due_at, now() + make_interval(secs => u.pause)) FROM u
    WHERE q.message_id = u.message_id AND q.attempt_id = u.attempt_id RETURNING q.message_id)
UPDATE engine_message m SET status = 20 FROM q WHERE m.id = q.message_id AND m.id = ANY(%(ids)s::uuid[]) AND m.status = 30
"""

_ENDED = """
WITH u AS (SELECT * FROM unnest(%(attempts)s::uuid[], %(outcomes)s::smallint[], %(codes)s::text[]) u(attempt_id, outcome, code))
UPDATE engine_attempt a SET outcome = u.outcome, code = u.code, ended_at = now() FROM u
WHERE a.id = u.attempt_id AND a.id = ANY(%(attempts)s::uuid[])
"""

# Never sent again, so its place in the queue is gone; its receipt or its validity ends it.
_UNKNOWN = """
WITH u AS (SELECT * FROM unnest(%(attempts)s::uuid[], %(ids)s::uuid[], %(codes)s::text[]) u(attempt_id, message_id, code)),
a AS (UPDATE engine_attempt a SET outcome = 4, code = u.code, ended_at = now() FROM u
    WHERE a.id = u.attempt_id AND a.id = ANY(%(attempts)s::uuid[])),
q AS (DELETE FROM engine_queueentry q USING u WHERE q.message_id = u.message_id AND q.attempt_id = u.attempt_id
    RETURNING q.message_id)
UPDATE engine_message m SET status = 45 FROM q WHERE m.id = q.message_id AND m.id = ANY(%(ids)s::uuid[]) AND m.status = 30
RETURNING m.id
"""


def record_outcomes(*, channel_id: UUID, claimed: Mapping[UUID, Claimed], outcomes: Iterable[Outcome]) -> None:
    """Write down one outcome for each of the attempts in `claimed`, in one transaction.

    Only a definite "no" puts a message back into the queue.  Writing the same outcome again changes nothing.
    """
    sent, again, refused, unknown = [], [], [], []
    for outcome in outcomes:
        message = claimed[outcome.attempt_id]
        match outcome:
            case Sent():
                sent.append((message, outcome.reference))
            case Unknown():
                unknown.append((message, outcome.why))
            case NotSent():
                again.append((message, AttemptOutcome.NOT_SENT, outcome.why, NOT_SENT_PAUSE_SECONDS))
            case Refused() if outcome.retry and message.attempts < MOST_TRIES:
                pause = BACKOFF_SECONDS[min(message.attempts, len(BACKOFF_SECONDS)) - 1]
                again.append((message, AttemptOutcome.REFUSED, outcome.code, pause))
            case Refused():
                refused.append((message, outcome.code))
    with tenancy.as_engine():
        run(_HOLD, {"ids": [str(message.message_id) for message in claimed.values()]})
        _record_sent(channel_id, sent)
        _put_back(again)
        _record_unknown(unknown)
        _record_refused(refused)


def _record_sent(channel_id: UUID, sent: list[tuple[Claimed, str]]) -> None:
    if sent:
        run(
            _SENT,
            {
                "channel": channel_id,
                "attempts": [str(message.attempt_id) for message, _ in sent],
                "ids": [str(message.message_id) for message, _ in sent],
                "organisations": [str(message.organisation_id) for message, _ in sent],
                "references": [reference[:LONGEST_REFERENCE] for _, reference in sent],
            },
        )


def _put_back(again: list[tuple[Claimed, AttemptOutcome, str, int]]) -> None:
    if again:
        run(
            _AGAIN,
            {
                "attempts": [str(message.attempt_id) for message, *_ in again],
                "ids": [str(message.message_id) for message, *_ in again],
                "outcomes": [int(outcome) for _, outcome, _, _ in again],
                "codes": [code[:120] for *_, code, _ in again],
                "pauses": [pause for *_, pause in again],
            },
        )


def _record_unknown(unknown: list[tuple[Claimed, str]]) -> None:
    if unknown:
        rows(
            _UNKNOWN,
            {
                "attempts": [str(message.attempt_id) for message, _ in unknown],
                "ids": [str(message.message_id) for message, _ in unknown],
                "codes": [why[:120] for _, why in unknown],
            },
        )


def _record_refused(refused: list[tuple[Claimed, str]]) -> None:
    if refused:
        run(
            _ENDED,
            {
                "attempts": [str(message.attempt_id) for message, _ in refused],
                "outcomes": [int(AttemptOutcome.REFUSED)] * len(refused),
                "codes": [code[:120] for _, code in refused],
            },
        )
        settle(Change(message.message_id, Status.REFUSED, code) for message, code in refused)
