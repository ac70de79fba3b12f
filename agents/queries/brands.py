from dataclasses import dataclass

from django.urls import reverse

from agents.rules.brand import brand_css
from kit.sql import rows


@dataclass(frozen=True, slots=True)
class BrandView:
    """What a page shows of a brand."""

    name: str
    css: str
    logo_url: str = ""
    support_email: str = ""


#: Every page asks; by hand, because the ORM takes longer to write the question than the database to answer it.
_PUBLISHED = "SELECT name, colour, logo_type, support_email, updated_at FROM accounts_brand WHERE host = %s"


def brand_for_host(host: str) -> BrandView | None:
    """The brand published under a host name, in any scope; None for the house's own.  Never reads the logo itself."""
    found = rows(_PUBLISHED, [host.rsplit(":", 1)[0].lower()])
    if not found:
        return None
    [(name, colour, logo_type, support_email, updated_at)] = found
    # The address changes with the brand, so that browsers may keep what they have.
    logo = f"{reverse('site:logo')}?v={int(updated_at.timestamp())}" if logo_type else ""
    return BrandView(name=name, css=brand_css(colour), logo_url=logo, support_email=support_email)
