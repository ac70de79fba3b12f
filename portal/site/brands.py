"""Under which name the house shows itself: by the host name the browser asked for."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Brand
from agents.rules.brand import brand_css


@dataclass(frozen=True, slots=True)
class Look:
    """What the shell shows of a brand."""

    name: str
    css: str
    logo_url: str = ""
    support_email: str = ""

    @property
    def icon_url(self) -> str:
        return self.logo_url


def host_of(request: HttpRequest) -> str:
    return request.get_host().rsplit(":", 1)[0].lower()


def look_at(host: str) -> Look | None:
    """The brand published under this host name; None for the house's own."""
    row = (
        Brand.objects.filter(host=host)
        .values_list("name", "colour", "logo_type", "support_email", "updated_at")
        .first()
    )
    if row is None:
        return None
    name, colour, logo_type, support_email, updated_at = row
    logo = logo_address(updated_at) if logo_type else ""
    return Look(name=name, css=brand_css(colour), logo_url=logo, support_email=support_email)


def logo_address(updated_at: datetime) -> str:
    """Changes with the brand, so that browsers may keep what they have."""
    return f"{reverse('site:logo')}?v={int(updated_at.timestamp())}"
