from dataclasses import dataclass

from django.urls import reverse

from accounts.models import Brand
from agents.rules.brand import brand_css


@dataclass(frozen=True, slots=True)
class BrandView:
    """What a page shows of a brand."""

    name: str
    css: str
    logo_url: str = ""
    support_email: str = ""

    @property
    def icon_url(self) -> str:
        return self.logo_url


def brand_for_host(host: str) -> BrandView | None:
    """The brand published under a host name, in any scope; None for the house's own.  Never reads the logo itself."""
    name = host.rsplit(":", 1)[0].lower()
    fields = ("name", "colour", "logo_type", "support_email", "updated_at")
    row = Brand.objects.filter(host=name).only(*fields).first()
    if row is None:
        return None
    # The address changes with the brand, so that browsers may keep what they have.
    logo = f"{reverse('site:logo')}?v={int(row.updated_at.timestamp())}" if row.logo_type else ""
    return BrandView(name=row.name, css=brand_css(row.colour), logo_url=logo, support_email=row.support_email)
