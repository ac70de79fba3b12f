"""What these pages ask of rooms above, which name themselves when they are ready: channels never call up."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import User

from .models import Channel


@dataclass(frozen=True, slots=True)
class ChannelTraffic:
    """What became of the messages of a day by one channel."""

    accepted: int = 0
    delivered: int = 0
    failed: int = 0
    mean_latency_ms: int | None = None


TrafficReader = Callable[[datetime], dict[UUID, ChannelTraffic]]
TestSender = Callable[..., UUID]

_read_traffic: TrafficReader | None = None
_send_test: TestSender | None = None


def count_with(reader: TrafficReader) -> None:
    """Name who counts: called with the instant "the last day" begins at."""
    global _read_traffic
    _read_traffic = reader


def test_with(sender: TestSender) -> None:
    """Name who sends a test: called with channel, recipient, text and by; gives the message's id."""
    global _send_test
    _send_test = sender


def traffic_by_channel(day: datetime) -> dict[UUID, ChannelTraffic]:
    return _read_traffic(day) if _read_traffic else {}


def send_test(*, channel: Channel, recipient: str, text: str, by: User) -> UUID:
    """Send one text by this channel, whatever the routes say."""
    if _send_test is None:
        raise RuntimeError("nobody sends tests")
    return _send_test(channel=channel, recipient=recipient, text=text, by=by)
