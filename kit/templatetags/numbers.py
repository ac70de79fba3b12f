"""{{ n|thousands }}, {{ part|percent_of:whole }}, {{ number|phone_mask }}, {{ at|moment }}, {{ at|ago }}."""

from django import template

from kit import formatting

register = template.Library()

register.filter("thousands", formatting.format_count)
register.filter("percent_of", formatting.format_percent)
register.filter("phone_mask", formatting.mask_phone)
register.filter("phone", formatting.spaced_phone)
register.filter("ago", formatting.ago)
register.filter("moment", formatting.moment)
register.filter("took", formatting.took)
register.filter("series", formatting.series)


@register.simple_tag
def delivery_rate(delivered: int, failed: int) -> str:
    """{% delivery_rate delivered failed %} → 98.4%"""
    return formatting.delivery_rate(delivered, failed)


@register.simple_tag
def delivery_tone(delivered: int, failed: int) -> str:
    """{% delivery_tone delivered failed as tone %} → ok, warn, bad or nothing while the volume is too small."""
    return formatting.delivery_tone(delivered, failed)
