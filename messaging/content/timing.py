"""How long reviews take and are overdue, in words."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .actions.reviews import DUE_IN

SOON = timedelta(minutes=30)


def review_time(category: str) -> str:
    """By when a version of that type is decided on."""
    return promise(DUE_IN.get(category, DUE_IN["notice"]))


def promise(span: timedelta) -> str:
    hours = round(span / timedelta(hours=1))
    return ngettext("%(hours)d hour", "%(hours)d hours", hours) % {"hours": hours}


def short(span: timedelta) -> str:
    """18 min, 1 h 2 min, 3 d: as a queue shows it."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return _("%(minutes)d min") % {"minutes": minutes}
    if minutes < 48 * 60:
        return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}
    return _("%(days)d d") % {"days": minutes // (24 * 60)}


def due(at: datetime) -> tuple[str, str]:
    """How long there is left, and in which tone to say it."""
    left = at - timezone.now()
    if left < timedelta(0):
        return "bad", _("%(span)s late") % {"span": short(-left)}
    return "warn" if left < SOON else "", short(left)
