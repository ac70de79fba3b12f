"""What became of an organisation's messages in a period: the four figures and the bars."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from accounts.models import Organisation
from kit.formatting import (
    NOTHING,
    delivery_rate,
    format_count,
    format_money,
    format_percent,
    format_unit_price,
    took,
)
from messaging.traffic.queries import Tally, in_flight, tallies_of_spans, total

from .periods import Period, by_slot, until


@dataclass(frozen=True)
class Figures:
    """Two spans of traffic, side by side."""

    period: Period
    now: Mapping[datetime, Tally]
    before: Mapping[datetime, Tally]
    flying: int
    currency: str

    @cached_property
    def total(self) -> Tally:
        return total(self.now.values())

    @cached_property
    def slots(self) -> list[Tally]:
        return by_slot(self.period, self.now)

    @cached_property
    def slots_before(self) -> list[Tally]:
        return by_slot(self.period, self.before, is_earlier=True)

    @cached_property
    def compared(self) -> tuple[Tally, Tally]:
        """Both spans up to the last full hour."""
        last = self.period.whole_hours_until
        return until(self.now, last), until(self.before, self.period.earlier(last))


def figures_of(organisation: Organisation, period: Period) -> Figures:
    """Two queries, whatever there is."""
    spans = (period.first, period.end), (period.before_first, period.earlier(period.end))
    now, before = tallies_of_spans(organisation, *spans)
    return Figures(
        period=period,
        now=now,
        before=before,
        flying=in_flight(organisation),
        currency=organisation.currency,
    )


# --- the four figures


def kpis(figures: Figures) -> list[dict[str, Any]]:
    slots = figures.slots[: slot_count(figures.period)]
    return [
        {
            "label": _("Messages sent"),
            "value": format_count(figures.total.accepted),
            "spark": [slot.accepted for slot in slots],
            **change_of_volume(figures),
        },
        {
            "label": _("Delivered"),
            "value": delivery_rate(figures.total.delivered, figures.total.failed),
            "spark": [share(slot) for slot in slots if slot.final],
            **change_of_rate(figures),
        },
        {
            "label": _("Time to handset, mean"),
            "value": took(figures.total.mean_latency_ms),
            "spark": [slot.mean_latency_ms for slot in slots if slot.delivered],
            **change_of_latency(figures),
        },
        {
            "label": _("Spend"),
            "value": format_money(figures.total.spent, figures.currency),
            "spark": [slot.spent for slot in slots],
            "hint": price_line(figures),
        },
    ]


def slot_count(period: Period) -> int:
    """How many bars have begun."""
    return sum(slot <= period.now for slot in period.slots)


def share(tally: Tally) -> float:
    return 100 * tally.delivered / tally.final


def change_of_volume(figures: Figures) -> dict[str, Any]:
    now, before = figures.compared
    if not before.accepted:
        return {"hint": before_line(figures.period)}
    difference = now.accepted - before.accepted
    direction = "up" if difference > 0 else "down" if difference else ""
    return {"delta": format_percent(abs(difference), before.accepted), "direction": direction}


def change_of_rate(figures: Figures) -> dict[str, Any]:
    now, before = figures.compared
    if not now.final or not before.final:
        return {"hint": failed_line(figures.total)}
    points = round(share(now) - share(before), 1)
    if not points:
        return {"hint": _("as before")}
    better = points > 0
    return {
        "delta": _("%(points)s pt") % {"points": abs(points)},
        "direction": "up" if better else "down",
        "trend": "better" if better else "worse",
    }


def change_of_latency(figures: Figures) -> dict[str, Any]:
    now, before = (one.mean_latency_ms for one in figures.compared)
    if now is None or before is None:
        return {"hint": _("from acceptance to receipt")}
    difference = now - before
    if abs(difference) < 100:
        return {"hint": _("as before")}
    span = {"span": took(abs(difference))}
    if difference < 0:
        return {"delta": _("%(span)s faster") % span, "direction": "up", "trend": "better"}
    return {"delta": _("%(span)s slower") % span, "direction": "down", "trend": "worse"}


def before_line(period: Period) -> str:
    return _("none the week before") if period.is_hourly else _("none in the days before")


def failed_line(tally: Tally) -> str:
    if not tally.final:
        return _("no result yet")
    return _("%(count)s failed") % {"count": format_count(tally.failed)}


def price_line(figures: Figures) -> str:
    """What a delivered message cost on average; packages and test messages cost nothing here."""
    delivered = figures.total.delivered
    if not delivered:
        return _("paid for delivered messages only")
    each = format_unit_price(figures.total.spent // delivered, figures.currency)
    return _("%(price)s a message") % {"price": each}


# --- the bars


def chart(figures: Figures) -> dict[str, Any]:
    """Stacked bars by hour or day; what is in flight now stands on the newest bar."""
    period, slots = figures.period, figures.slots
    begun = slot_count(period)
    flying = [0] * len(slots)
    if begun:
        flying[begun - 1] = figures.flying
    series = [
        {"name": _("Delivered"), "tone": "ok", "data": [slot.delivered for slot in slots]},
        {"name": _("In flight"), "tone": "wait", "data": flying},
        {"name": _("Failed"), "tone": "bad", "data": [slot.failed for slot in slots]},
    ]
    before = [slot.final for slot in figures.slots_before]
    if any(before):
        series.append({"name": earlier_name(period), "tone": "prev", "type": "line", "step": True, "data": before})
    return {"x": [slot_name(period, slot) for slot in period.slots], "x_label": slot_label(period), "series": series}


def chart_summary(figures: Figures) -> str:
    """The bars in one sentence, for whoever can't see them."""
    tally = figures.total
    facts = {
        "delivered": format_count(tally.delivered),
        "failed": format_count(tally.failed),
        "flying": format_count(figures.flying),
        "peak": NOTHING,
    }
    peak = max(zip(figures.slots, figures.period.slots, strict=True), key=lambda pair: pair[0].final)
    if peak[0].final:
        facts["peak"] = slot_name(figures.period, peak[1])
    return _("%(delivered)s delivered, %(flying)s in flight, %(failed)s failed. Most at %(peak)s.") % facts


def slot_name(period: Period, slot: datetime) -> str:
    local = timezone.localtime(slot)
    return f"{local:%H:%M}" if period.is_hourly else formats.date_format(local, "SHORT_DATE_FORMAT")


def slot_label(period: Period) -> str:
    return _("Hour") if period.is_hourly else _("Day")


def earlier_name(period: Period) -> str:
    if period.is_hourly:
        return _("Last %(day)s") % {"day": formats.date_format(timezone.localtime(period.now), "l")}
    return _("The days before")
