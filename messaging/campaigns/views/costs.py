"""What the cost panels show."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Organisation
from billing.pricing.errors import NoPrice
from kit.formatting import MINUS, format_count, format_money, format_unit_price
from messaging.campaigns.measuring import Cost, Estimate, cost_of


def cost_context(organisation: Organisation, category: str, estimate: Estimate, *, is_test: bool) -> dict[str, Any]:
    """The cost and its summary; where there is no price, why."""
    try:
        cost = cost_of(organisation=organisation, category=category, estimate=estimate, is_test=is_test)
    except NoPrice as refusal:
        return {"cost": None, "no_price": refusal.message}
    return {"cost": cost, "summary": summary_of(estimate, cost)}


def summary_of(estimate: Estimate, cost: Cost) -> dict[str, Any]:
    """Rows and totals.  Where only the first recipients were counted, the rest is taken to be like them."""
    factor = estimate.recipients / estimate.counted if estimate.counted else 1
    scaled = {
        name: round(getattr(estimate, name) * factor) for name in ("opted_out", "unusable", "messages", "segments")
    }
    total = format_money(round(cost.total * factor), cost.currency)
    return {
        "rows": [*_reach_rows(estimate, scaled), *_price_rows(cost)],
        "total": _("about %(amount)s") % {"amount": total} if estimate.is_sample else total,
        "messages": scaled["messages"],
        "segments": scaled["segments"],
    }


def _reach_rows(estimate: Estimate, scaled: dict[str, int]) -> list[dict[str, Any]]:
    less = {"opted_out": _("Opted out"), "unusable": _("Can't be sent")}
    return [
        _row(_("Recipients"), format_count(estimate.recipients)),
        *(_row(label, f"{MINUS}{format_count(scaled[name])}") for name, label in less.items() if scaled[name]),
        _row(_("Will be sent"), format_count(scaled["messages"]), strong=True),
        _row(_("Segments"), format_count(scaled["segments"])),
    ]


def _price_rows(cost: Cost) -> list[dict[str, Any]]:
    rows = [_row(_("Paid by packages"), f"{MINUS}{format_count(cost.covered)}")] if cost.covered else []
    prices = sorted({line.price for line in cost.lines})
    if prices:
        ends = [format_unit_price(price, cost.currency) for price in dict.fromkeys((prices[0], prices[-1]))]
        rows.append(_row(_("Price per segment"), "–".join(ends)))
    return rows


def _row(label: str, value: str, *, strong: bool = False) -> dict[str, Any]:
    return {"label": label, "value": value, "strong": strong}
