"""Why there is no price, or why one can't be set."""

from django.utils.translation import gettext_lazy as _

from kit.errors import DomainError


class NoPrice(DomainError):
    """Nobody above asks a price in the organisation's currency for this destination."""

    code = "no_price"

    def __init__(self, *, country: str, category: str, currency: str) -> None:
        message = _("There is no price in %(currency)s for %(category)s messages to %(country)s.") % {
            "currency": currency,
            "category": category,
            "country": country,
        }
        super().__init__(message, country=country, category=category, currency=currency)


class NegativeMargin(DomainError):
    """A price lies below what its seller pays itself."""

    code = "negative_margin"

    def __init__(self, *, country: str, category: str, price: str, cost: str) -> None:
        message = _("%(category)s messages to %(country)s cost you %(cost)s: the price %(price)s is below that.") % {
            "category": category,
            "country": country or _("all other countries"),
            "cost": cost,
            "price": price,
        }
        super().__init__(message, country=country, category=category, price=price, cost=cost)


class NotYourBuyer(DomainError):
    code = "not_your_buyer"
    message = _("A price book can only be given to an account directly below yours, in the same currency.")
