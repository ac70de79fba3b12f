"""What the shell itself needs: the phone's bottom bar, a person's initials."""

from django import template

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
