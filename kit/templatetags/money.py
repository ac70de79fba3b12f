"""{{ wallet.balance|money:wallet.currency }}, {{ quote.price|unit_price:quote.currency }}.  Amounts are micros."""

from django import template

from kit import formatting

register = template.Library()


@register.filter
def money(micros: int | None, currency: str) -> str:
    """Currency sign and two decimals.  What is missing from the context shows as nothing at all."""
    return "" if micros == "" else formatting.format_money(micros, currency)


@register.filter
def unit_price(micros: int | None, currency: str) -> str:
    """Currency sign and four decimals."""
    return "" if micros == "" else formatting.format_unit_price(micros, currency)
