"""What came of a batch, written down in a few statements whatever its size."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from kit import tenancy
from kit.sql import array, run, text_array
from messaging.channels.types.base import NotSent, Outcome, Refused, Sent, Unknown
from messaging.engine.settle import Change, settle
from messaging.engine.states import LANES, AttemptOutcome, Status

from .claim import Claimed
from .holding import NEVER

#: A definite "no" is tried again after so many seconds, by the number of tries made.
BACKOFF_SECONDS = (1, 2, 5, 10, 20, 40, 60)
NOT_SENT_PAUSE_SECONDS = 2
#: After so many tries the carrier's "not now" is taken as no.
MOST_TRIES = 30
#: What is kept of a carrier's name for a message; its receipts are cut alike.
LONGEST_REFERENCE = 65

_COUNT = """
    INSERT INTO engine_trafficcount (organisation_id, hour, campaign_id, channel_id, country, category, currency, status,
        error_code, messages, segments, amount, latency_ms, is_squashed)
    SELECT organisation_id, date_trunc('hour', now()), campaign_id, channel_id, country, category, currency, 40, '',
        count(*), sum(segments), 0, sum(extract(epoch FROM now() - uuid_extract_timestamp(id)) * 1000)::bigint, false
    FROM m WHERE NOT is_test GROUP BY organisation_id, campaign_id, channel_id, country, category, currency
"""

# The attempt decides: what is written down for the second time (the database was away when we asked whether the first
# time had gone through) changes nothing, and what had been given up as unknown may still be known better.
_ATTEMPTS = """
    INSERT INTO engine_attempt (message_id, number, organisation_id, channel_id, reference, outcome, parts, code,
        carrier_reference, started_at, ended_at)
    SELECT u.message_id, u.number, u.organisation_id, %(channel)s, u.reference, u.outcome, u.parts, u.code,
        u.carrier_reference, uuid_extract_timestamp(u.claim_id), now()
    FROM unnest(%(ids)s::uuid[], %(numbers)s::smallint[], %(organisations)s::uuid[], %(user_references)s::int[],
        %(outcomes)s::smallint[], %(parts)s::smallint[], %(codes)s::text[], %(references)s::text[], %(claims)s::uuid[])
        u(message_id, number, organisation_id, reference, outcome, parts, code, carrier_reference, claim_id)
    ON CONFLICT (message_id, number) DO UPDATE SET outcome = excluded.outcome, parts = excluded.parts, code = excluded.code,
        carrier_reference = excluded.carrier_reference, ended_at = excluded.ended_at
        WHERE engine_attempt.outcome = 4 AND excluded.outcome <> 4
    RETURNING message_id, number
"""

# The state asked for is in a CASE to keep it from the planner, as in settling.
_SENT = f"""
WITH a AS ({_ATTEMPTS}),
m AS (UPDATE engine_message m SET status = 40, submitted_at = now(), attempts = a.number FROM a
    WHERE m.id = a.message_id AND m.id = ANY(%(ids)s::uuid[]) AND CASE WHEN m.status = 20 THEN true END
    RETURNING m.id, m.organisation_id, m.campaign_id, m.channel_id, m.country, m.category, m.currency, m.segments, m.is_test)
{_COUNT}
"""

# A carrier that uses a name again means the newer message by it.
_FURTHER = """
INSERT INTO engine_carrierreference (channel_id, reference, message_id, organisation_id)
SELECT DISTINCT ON (u.reference) %(channel)s::uuid, u.reference, u.message_id, u.organisation_id
FROM unnest(%(references)s::text[], %(ids)s::uuid[], %(organisations)s::uuid[]) u(reference, message_id, organisation_id)
ON CONFLICT (channel_id, reference) DO UPDATE SET message_id = excluded.message_id, organisation_id = excluded.organisation_id
"""

# Only a definite "no" leads back to the queue.  Whose campaign was paused or cancelled meanwhile waits there with the rest.
_AGAIN = f"""
WITH a AS ({_ATTEMPTS}),
m AS (UPDATE engine_message m SET status = 20, attempts = a.number FROM a
    WHERE m.id = a.message_id AND m.id = ANY(%(ids)s::uuid[]) AND CASE WHEN m.status IN (20, 45) THEN true END
    RETURNING m.id, m.organisation_id, m.channel_id, m.campaign_id)
INSERT INTO engine_queueentry (message_id, organisation_id, channel_id, campaign_id, lane, due_at)
SELECT m.id, m.organisation_id, m.channel_id, m.campaign_id, u.lane,
    CASE WHEN c.status IN ('paused', 'cancelled') THEN '{NEVER}' ELSE now() + make_interval(secs => u.pause) END
FROM m JOIN unnest(%(ids)s::uuid[], %(lanes)s::smallint[], %(pauses)s::int[]) u(id, lane, pause) ON u.id = m.id
LEFT JOIN campaigns_campaign c ON c.id = m.campaign_id
ON CONFLICT (message_id) DO NOTHING
"""

# Never sent again: its receipt or its validity ends it.
_UNKNOWN = f"""
WITH a AS ({_ATTEMPTS})
UPDATE engine_message m SET status = 45, attempts = a.number FROM a
WHERE m.id = a.message_id AND m.id = ANY(%(ids)s::uuid[]) AND CASE WHEN m.status = 20 THEN true END
"""

_REFUSED = f"""
WITH a AS ({_ATTEMPTS})
UPDATE engine_message m SET attempts = a.number FROM a WHERE m.id = a.message_id AND m.id = ANY(%(ids)s::uuid[])
"""


class Result(NamedTuple):
    """What came of one attempt, as it is written down.  `references` are the carrier's names of its `parts`, as far as
    they were answered."""

    message: Claimed
    outcome: AttemptOutcome
    code: str = ""
    references: tuple[str, ...] = ()
    parts: int = 1
    pause: int = 0


def record_outcomes(*, channel_id: UUID, claimed: Mapping[UUID, Claimed], outcomes: Iterable[Outcome]) -> None:
    """Write down one outcome for each message of the claims in `claimed`, and close the claims, in one transaction.

    Only a definite "no" puts a message back into the queue.  Writing the same outcome again changes nothing.
    """
    results = [_result(claimed[outcome.attempt_id], outcome) for outcome in outcomes]
    again = [result for result in results if result.pause]
    refused = [result for result in results if result.outcome == AttemptOutcome.REFUSED and not result.pause]
    with tenancy.as_engine():
        # First, so that whoever gives up claims whose lease ran out waits for us, or we for them.
        run("DELETE FROM engine_claim WHERE id = ANY(%s)", [list({one.claim_id for one in claimed.values()})])
        _write(_SENT, channel_id, [result for result in results if result.outcome == AttemptOutcome.SENT])
        _write(_UNKNOWN, channel_id, [result for result in results if result.outcome == AttemptOutcome.UNKNOWN])
        _write(
            _AGAIN,
            channel_id,
            again,
            lanes=[int(LANES[result.message.category]) for result in again],
            pauses=[result.pause for result in again],
        )
        _write(_REFUSED, channel_id, refused)
        _record_further(channel_id, results)
        settle(Change(result.message.message_id, Status.REFUSED, result.code) for result in refused)


def _result(message: Claimed, outcome: Outcome) -> Result:
    match outcome:
        case Sent():
            references = _cut((outcome.reference, *outcome.further))
            return Result(message, AttemptOutcome.SENT, references=references, parts=len(references))
        case Unknown():
            return Result(
                message, AttemptOutcome.UNKNOWN, outcome.why, references=_cut(outcome.references), parts=outcome.parts
            )
        case NotSent():
            return Result(message, AttemptOutcome.NOT_SENT, outcome.why, pause=NOT_SENT_PAUSE_SECONDS)
        case Refused() if outcome.retry and message.number < MOST_TRIES:
            pause = BACKOFF_SECONDS[min(message.number, len(BACKOFF_SECONDS)) - 1]
            return Result(message, AttemptOutcome.REFUSED, outcome.code, pause=pause)
        case Refused():
            return Result(message, AttemptOutcome.REFUSED, outcome.code)


def _cut(references: Iterable[str]) -> tuple[str, ...]:
    return tuple(name[:LONGEST_REFERENCE] for name in references)


def _record_further(channel_id: UUID, results: list[Result]) -> None:
    """Keep the names of the second and later parts."""
    further = [(name, result.message) for result in results for name in result.references[1:]]
    if further:
        run(
            _FURTHER,
            {
                "channel": channel_id,
                "references": [name for name, _ in further],
                "ids": [message.message_id for _, message in further],
                "organisations": [message.organisation_id for _, message in further],
            },
        )


def _write(statement: str, channel_id: UUID, results: list[Result], **columns: list[int]) -> None:
    if results:
        messages = [result.message for result in results]
        run(
            statement,
            {
                "channel": channel_id,
                "ids": array([message.message_id for message in messages]),
                "numbers": array([message.number for message in messages]),
                "organisations": _repeated([message.organisation_id for message in messages]),
                "user_references": array([message.reference for message in messages]),
                "outcomes": array([int(result.outcome) for result in results]),
                "parts": array([result.parts for result in results]),
                "codes": text_array([result.code[:120] for result in results]),
                "references": text_array([result.references[0] if result.references else "" for result in results]),
                "claims": _repeated([message.claim_id for message in messages]),
                **{name: array(values) for name, values in columns.items()},
            },
        )


def _repeated(ids: list[UUID]) -> str:
    """An array of few different ids: each is written out once."""
    written = {id: str(id) for id in set(ids)}
    return array([written[id] for id in ids])
