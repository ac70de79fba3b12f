"""Addresses of many pages of one kind, for lists: the way to them is looked up once, not for each row."""

from collections.abc import Callable
from uuid import UUID

from django.urls import reverse

_PLACE = UUID(int=0)


def addresses_of(url_name: str) -> Callable[[UUID], str]:
    """`addresses_of("messaging:message")(id)` is `reverse("messaging:message", args=[id])`, for addresses that name one id.

    Made for each request anew: another one may begin with another prefix.
    """
    before, _, after = reverse(url_name, args=[_PLACE]).partition(str(_PLACE))
    return lambda id: f"{before}{id}{after}"
