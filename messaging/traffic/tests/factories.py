"""Traffic deltas as the engine writes them."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from accounts.models import Organisation
from kit.ids import uuid7
from messaging.engine.models import TrafficCount
from messaging.engine.states import Status

CHANNEL = uuid7()


def count_traffic(
    organisation: Organisation,
    status: Status,
    messages: int,
    *,
    hour: datetime | None = None,
    country: str = "GB",
    amount: int = 0,
    latency_ms: int = 0,
    channel_id: UUID = CHANNEL,
    campaign_id: UUID | None = None,
    error_code: str = "",
) -> TrafficCount:
    hour = (hour or timezone.now()).replace(minute=0, second=0, microsecond=0)
    return TrafficCount.objects.create(
        organisation=organisation, hour=hour, campaign_id=campaign_id, channel_id=channel_id, country=country,
        category="notice", currency=organisation.currency, status=status, error_code=error_code, messages=messages,
        segments=messages, amount=amount, latency_ms=latency_ms,
    )  # fmt: skip
