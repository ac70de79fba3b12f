"""What the demo operator and its agents ask for messages, and the packages on sale."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from accounts.models import Organisation
from billing.packages.actions import create_package
from billing.pricing.actions import Asked, create_price_book, set_prices
from billing.pricing.models import PriceBook
from kit.money import Micros, money

#: Yuan a segment; the empty country is every other one.
BASE = {
    "CN": "0.0360", "HK": "0.3200", "MO": "0.2400", "TW": "0.4100", "SG": "0.2900", "JP": "0.5200", "US": "0.0640",
    "CA": "0.0680", "GB": "0.2700", "JE": "0.2700", "GG": "0.2700", "IE": "0.4400", "DE": "0.5600", "FR": "0.4600",
    "ES": "0.3900", "IT": "0.4800", "NL": "0.6000", "AU": "0.2600", "IN": "0.2300", "ZA": "0.1700", "": "0.7200",
}  # fmt: skip
#: Yuan in one unit of the currency.
YUAN = {"CNY": "1", "GBP": "9.30", "USD": "7.10", "EUR": "8.20", "SGD": "5.40", "HKD": "0.91"}
FACTORS = {"verification": "1.05", "notice": "1.00", "promotion": "1.10", "international": "1.00"}
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def price_of(country: str, category: str, currency: str, markup: Decimal) -> Micros:
    """Rounded to a ten-thousandth of the currency unit, as price lists show it."""
    exact = Decimal(BASE[country]) * Decimal(FACTORS[category]) * markup / Decimal(YUAN[currency])
    return money(exact.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP))


def publish_prices(seller: Organisation, *, currency: str, markup: str = "1", name: str = "Standard") -> PriceBook:
    """The seller's default book in a currency: every country, every category."""
    with seller.scope():
        book = create_price_book(organisation=seller, name=name, currency=currency, is_default=True)
        prices = [
            Asked(country, category, price_of(country, category, currency, Decimal(markup)))
            for country in BASE
            for category in FACTORS
        ]
        set_prices(book=book, prices=prices, effective_from=LONG_AGO)
    return book


#: Name, name in Chinese, segments, bonus, yuan, category, country, days.
PACKAGES = (
    ("Starter 1k", "入门包 1 千条", 1_000, 0, "45.00", "", "CN", 365),
    ("Notices 10k", "通知包 1 万条", 10_000, 500, "390.00", "notice", "CN", 365),
    ("Codes 50k", "验证码包 5 万条", 50_000, 2_500, "1850.00", "verification", "CN", 180),
    ("Everything 100k", "通用包 10 万条", 100_000, 8_000, "3500.00", "", "CN", 365),
)


def stock_packages(operator: Organisation) -> None:
    """The same offers in yuan and, for customers elsewhere, a few in pounds and dollars for any country."""
    with operator.scope():
        for position, (name, name_zh, segments, bonus, price, category, country, days) in enumerate(PACKAGES):
            create_package(
                organisation=operator, name=name, name_zh=name_zh, segments=segments, bonus_segments=bonus,
                price=money(price), currency="CNY", category=category, country=country, valid_days=days,
                position=position,
            )  # fmt: skip
        for currency, country, prices in (("GBP", "GB", ("28.00", "260.00")), ("USD", "US", ("9.00", "80.00"))):
            for position, (segments, price) in enumerate(zip((1_000, 10_000), prices, strict=True)):
                create_package(
                    organisation=operator, name=f"{country} {segments // 1_000}k", name_zh=f"{country} {segments:,} 条",
                    segments=segments, price=money(price), currency=currency, country=country, position=position,
                )  # fmt: skip
