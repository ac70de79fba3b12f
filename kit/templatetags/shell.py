"""What the shell itself needs: the phone's bottom bar, a person's initials."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from kit.icons import icon

register = template.Library()


@register.simple_tag(takes_context=True)
def mobile_tabs(context) -> list[dict]:
    """Up to four entries: those marked `mobile`, else the first three, with the primary action in the middle."""
    items = [item for group in context.get("navigation") or [] for item in group.get("items", [])]
    tabs = [item for item in items if item.get("mobile")][:3] or items[:3]
    action = context.get("primary_action")
    if action:
        tabs = [*tabs[:2], {"icon": "send", "active": False, **action}, *tabs[2:]]
    return tabs


@register.simple_tag
def menu_entries(items: Iterable[Mapping[str, Any]]) -> SafeString:
    """The links of one group of the menu: a template's loop over them takes as long as a list's fifty rows."""
    return mark_safe("\n    ".join(map(_menu_entry, items)))  # noqa: S308  what is said in it is escaped


def _menu_entry(item: Mapping[str, Any]) -> str:
    here = ' aria-current="page"' if item.get("active") else ""
    key = f' data-key="g {escape(item["key"])}"' if item.get("key") else ""
    count = f'<span class="count">{escape(str(item["count"]))}</span>' if item.get("count") else ""
    drawn = icon(item.get("icon") or "point")
    return f'<a href="{escape(item["url"])}"{here}{key}>{drawn}{escape(str(item["label"]))}{count}</a>'


@register.filter
def person_name(user) -> str:
    """The full name, else the e-mail address."""
    return (user.get_full_name() if hasattr(user, "get_full_name") else "") or getattr(user, "email", "") or str(user)


@register.filter
def initials(user) -> str:
    """JM for Jo Meadow; the first letter of an address when there is no name."""
    words = person_name(user).split("@")[0].split()
    if not words:
        return ""
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()
