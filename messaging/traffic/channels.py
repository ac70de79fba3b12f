"""What the channels' pages ask of above: their traffic, and a test message by one of them."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Organisation, User
from kit.events import emit
from kit.ids import uuid7
from kit.sql import run
from messaging.channels.models import Channel
from messaging.channels.upstairs import ChannelTraffic
from messaging.content.rules.segments import UCS2, count_segments
from messaging.engine.events import messages_accepted
from messaging.engine.models import Message
from messaging.engine.states import Lane, Status
from messaging.recipients.rules.numbers import Number

from .queries import tallies_by_channel

# As the engine stores a batch, for one message that has no template, no price and a channel of its own choosing.
_STORE = """
WITH m AS (
    INSERT INTO engine_message (id, organisation_id, sender, recipient, country, category, body, is_unicode, segments, status,
        error_code, price, currency, channel_id, client_reference, is_test, attempts, validity_until)
    VALUES (%(id)s, %(organisation)s, '', %(recipient)s, %(country)s, 'notice', %(body)s, %(is_unicode)s, %(segments)s, %(queued)s,
        '', 0, %(currency)s, %(channel)s, 'channel-test', true, 0, now() + interval '1 hour')
    RETURNING *
),
q AS (
    INSERT INTO engine_queueentry (message_id, organisation_id, channel_id, lane, due_at)
    SELECT id, organisation_id, channel_id, %(lane)s, now() FROM m
)
INSERT INTO engine_trafficcount (organisation_id, hour, channel_id, country, category, currency, status, error_code, messages,
    segments, amount, latency_ms, is_squashed)
SELECT organisation_id, date_trunc('hour', now()), channel_id, country, category, currency, status, '', 1, segments, 0, 0, false
FROM m
"""


def channel_traffic(day: datetime) -> dict[UUID, ChannelTraffic]:
    """What became of messages since `day`, of every organisation in the scope."""
    return {
        channel_id: ChannelTraffic(tally.accepted, tally.delivered, tally.failed, tally.mean_latency_ms)
        for channel_id, tally in tallies_by_channel(day, timezone.now()).items()
    }


@transaction.atomic
def send_channel_test(*, channel: Channel, recipient: Number, text: str, by: User) -> UUID:
    """Queue one message of the operator's own by this channel, free of charge; its id.  Runs in the operator's scope."""
    operator: Organisation = channel.organisation
    size = count_segments(text)
    id = uuid7()
    run(
        _STORE,
        {
            "id": id,
            "organisation": operator.pk,
            "recipient": recipient.e164,
            "country": recipient.country,
            "body": text,
            "is_unicode": size.encoding == UCS2,
            "segments": size.segments,
            "queued": Status.QUEUED,
            "currency": operator.currency,
            "channel": channel.pk,
            "lane": Lane.NOTICE,
        },
    )
    audit.record(
        action="channel.tested", target=channel, organisation=operator, after={"message": str(id), "by": by.email}
    )
    emit(messages_accepted, sender=Message, channel_ids={channel.pk})
    return id
