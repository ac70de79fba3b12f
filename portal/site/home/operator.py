"""Home of the operator: is it healthy, and what waits for a person."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership, Organisation
from accounts.rules.permissions import Permission
from kit.formatting import delivery_rate, format_count, took
from messaging.channels.health import ChannelHealth, health_of
from messaging.content.queries import queue_state
from messaging.engine.models import QueueEntry
from messaging.traffic.queries import Tally, tallies_by_channel, total

from ..navigation import address
from .periods import Period


def operator_home(organisation: Organisation, membership: Membership, period: Period) -> dict[str, Any]:
    """What the member may see of it: channels and traffic, the review queue, or both."""
    context: dict[str, Any] = {}
    if membership.may(Permission.VIEW_CHANNELS):
        with organisation.downline_scope():
            context |= operations(organisation, period.now)
    if membership.may(Permission.REVIEW_CONTENT):
        with organisation.downline_scope():
            queue = queue_state(by=membership.user, day_start=day_start(period))
        context |= {
            "queue": queue,
            "queue_oldest": period.now - queue.oldest if queue.oldest else None,
            "reviews_url": address("messaging:reviews"),
        }
    return context


def day_start(period: Period) -> datetime:
    return timezone.localtime(period.now).replace(hour=0, minute=0, second=0, microsecond=0)


def operations(organisation: Organisation, now: datetime) -> dict[str, Any]:
    """Figures of the last minute, the queue, and each channel's day."""
    day = now - timedelta(hours=24)
    channels = health_of(organisation, now=now)
    tallies = tallies_by_channel(day, now)
    queue = QueueEntry.objects.aggregate(waiting=Count("pk"), oldest=Min("due_at"))
    tally = total(tallies.values())
    return {
        "kpis": operator_kpis(now, queue, tally, channels),
        "channels": [(health, tallies.get(health.channel.pk, Tally()), url_of(health)) for health in channels],
        "channels_url": address("messaging:channels"),
    }


def url_of(health: ChannelHealth) -> str:
    return address("messaging:channel", health.channel.pk)


def operator_kpis(
    now: datetime, queue: dict[str, Any], day: Tally, channels: list[ChannelHealth]
) -> list[dict[str, Any]]:
    live = [health for health in channels if health.channel.is_active]
    bound = sum(health.is_up for health in live)
    age = (now - queue["oldest"]).total_seconds() * 1000 if queue["oldest"] and queue["oldest"] < now else None
    return [
        {
            "label": _("Handed over, last minute"),
            "value": format_count(sum(health.handed_over_in_a_minute for health in channels)),
            "hint": _("%(count)s accepted in 24 hours") % {"count": format_count(day.accepted)},
        },
        {
            "label": _("In the queue"),
            "value": format_count(queue["waiting"]),
            "hint": _("oldest waits %(span)s") % {"span": took(age)} if age is not None else _("nothing is late"),
        },
        {
            "label": _("Delivered, 24 hours"),
            "value": delivery_rate(day.delivered, day.failed),
            "hint": _("%(span)s to the handset") % {"span": took(day.mean_latency_ms)},
        },
        {
            "label": _("Channels up"),
            "value": f"{bound} / {len(live)}",
            "hint": _("all bound") if bound == len(live) else _("one or more need a look"),
        },
    ]
