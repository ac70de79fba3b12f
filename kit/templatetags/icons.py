"""{% icon "send" %}, {% icon "alert-triangle" size=16 tone="warn" title=_("Warning") %}."""

from django import template

from kit import icons

register = template.Library()


@register.simple_tag
def icon(name: str, size: int = 18, tone: str = "", title: str = ""):
    return icons.icon(name, size=size, tone=tone, title=title)
