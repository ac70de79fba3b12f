"""Where a request comes from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The caller's IP address, read no further than through the reverse proxies we trust; None when there is none.

    Each trusted proxy appends the address it was called from, so the caller is that many entries from the end.
    """
    address = request.META.get("REMOTE_ADDR", "")
    trusted = settings.TRUSTED_PROXY_COUNT
    if trusted:
        chain = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
        if len(chain) >= trusted:
            address = chain[-trusted]
    return normal(address)


def normal(address: str) -> str | None:
    """The address in its shortest form, IPv4 also when it came wrapped in IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def is_inside(address: str | None, networks: list[str]) -> bool:
    """Whether the address lies in one of the networks."""
    if address is None:
        return False
    parsed = ipaddress.ip_address(address)
    return any(parsed in ipaddress.ip_network(network) for network in networks)
