"""Making a restored house fit to open: nothing may go out twice, and the books must be right."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from billing.ledger.books import problems
from kit import tenancy
from kit.sql import rows
from messaging.campaigns.recovery import stop_what_may_have_gone_on
from messaging.engine.recovery import give_up_what_may_have_left, give_up_what_was_in_hand

_COUNTS = """
SELECT coalesce(sum(messages) FILTER (WHERE status = 20), 0)::bigint, coalesce(sum(messages) FILTER (WHERE status >= 90), 0)::bigint
FROM engine_trafficcount
"""


@dataclass(frozen=True)
class Restored:
    """What was done, and how the house stands: `accepted` and `final` are messages by the traffic figures."""

    in_hand: int
    queued: int
    campaigns: int
    accepted: int
    final: int
    ripe: int
    problems: list[str]

    def as_json(self) -> str:
        return json.dumps(asdict(self))


def make_fit(*, sent_until: datetime) -> Restored:
    """See that nothing which may have left by `sent_until` leaves again, and look at the books.  Twice is harmless."""
    in_hand = give_up_what_was_in_hand()
    queued = give_up_what_may_have_left(sent_until=sent_until)
    campaigns = stop_what_may_have_gone_on(sent_until=sent_until)
    with tenancy.as_engine():
        ((accepted, final),) = rows(_COUNTS)
        ((ripe,),) = rows("SELECT count(*) FROM engine_queueentry WHERE due_at <= %s", [sent_until])
        broken = [f"{one.invariant}: {dict(one.row)}" for one in problems()]
    return Restored(in_hand, queued, campaigns, accepted, final, ripe, broken)
