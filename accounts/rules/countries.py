"""Where a new organisation is decides its first settings; it may change all but the currency later."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defaults:
    currency: str
    time_zone: str
    locale: str = "en"


#: Countries offered at sign-up.  Elsewhere: US dollars, UTC, English.
COUNTRIES = {
    "AU": Defaults("USD", "Australia/Sydney"),
    "CA": Defaults("USD", "America/Toronto"),
    "CN": Defaults("CNY", "Asia/Shanghai", "zh-hans"),
    "DE": Defaults("EUR", "Europe/Berlin"),
    "ES": Defaults("EUR", "Europe/Madrid"),
    "FR": Defaults("EUR", "Europe/Paris"),
    "GB": Defaults("GBP", "Europe/London"),
    "HK": Defaults("HKD", "Asia/Hong_Kong", "zh-hans"),
    "IE": Defaults("EUR", "Europe/Dublin"),
    "IN": Defaults("USD", "Asia/Kolkata"),
    "IT": Defaults("EUR", "Europe/Rome"),
    "JP": Defaults("USD", "Asia/Tokyo"),
    "KE": Defaults("USD", "Africa/Nairobi"),
    "MY": Defaults("USD", "Asia/Kuala_Lumpur"),
    "NG": Defaults("USD", "Africa/Lagos"),
    "NL": Defaults("EUR", "Europe/Amsterdam"),
    "NZ": Defaults("USD", "Pacific/Auckland"),
    "PH": Defaults("USD", "Asia/Manila"),
    "PL": Defaults("EUR", "Europe/Warsaw"),
    "SG": Defaults("SGD", "Asia/Singapore"),
    "US": Defaults("USD", "America/New_York"),
    "ZA": Defaults("USD", "Africa/Johannesburg"),
}


def defaults_for(country: str) -> Defaults:
    return COUNTRIES.get(country, Defaults("USD", "UTC"))
