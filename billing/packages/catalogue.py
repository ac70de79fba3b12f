"""The catalogue as a buyer sees it: what each package costs a message, and what it saves."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.choices import COUNTRY_NAMES
from accounts.models import Organisation
from billing.pricing.errors import NoPrice
from billing.pricing.models import Category
from billing.pricing.quotes import prices_now
from kit.money import Micros

from .models import Package
from .queries import packages_for

#: What a package for anything is compared with.
USUAL = Category.NOTICE


@dataclass(frozen=True, slots=True)
class Offer:
    """A package beside pay as you go.  `usual` is None where there is no price to compare with."""

    package: Package
    usual: Micros | None

    @property
    def each(self) -> Micros:
        """The price of one segment, bonus included, rounded down to the micro: shown, never charged."""
        return Micros(self.package.price // self.package.total_segments)

    @property
    def saving(self) -> int:
        """Whole per cent below pay as you go, rounded down; 0 when there is none."""
        return max(0, 100 - -(-self.each * 100 // self.usual)) if self.usual else 0

    @property
    def months(self) -> int:
        return round(self.package.valid_days / 30.4)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Packages that can be used for the same things."""

    code: str
    label: str
    offers: Sequence[Offer]


def shelves_for(organisation: Organisation) -> list[Shelf]:
    """The whole catalogue, by what it can be used for."""
    packages = list(packages_for(organisation))
    usual = _usual_prices(organisation, packages)
    # What can be used for everything comes first.
    kinds = sorted(dict.fromkeys((package.category, package.country) for package in packages), key=any)
    return [
        Shelf(
            code="-".join(filter(None, kind)) or "any",
            label=_label(*kind),
            offers=[
                Offer(package, usual.get(_destination(organisation, package)))
                for package in packages
                if (package.category, package.country) == kind
            ],
        )
        for kind in kinds
    ]


def _usual_prices(organisation: Organisation, packages: Sequence[Package]) -> dict[tuple[str, str], Micros]:
    try:
        return prices_now(organisation, {_destination(organisation, package) for package in packages})
    except NoPrice:
        return {}


def _destination(organisation: Organisation, package: Package) -> tuple[str, str]:
    return package.country or organisation.country, package.category or USUAL


def _label(category: str, country: str) -> str:
    kind = Category(category).label if category else _("All messages")
    if not country:
        return str(kind)
    return _("%(kind)s, %(country)s") % {"kind": kind, "country": COUNTRY_NAMES.get(country, country)}
