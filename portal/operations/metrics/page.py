"""/metrics, and who may see it."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from accounts.addresses import client_address, is_inside
from kit.sealing import same

from . import http
from .figures import HouseCollector, kept


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics of the house and of this machine's web processes.  To anybody who may not see them: nothing is here."""
    if not may_see(request):
        raise Http404
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    registry = CollectorRegistry()
    registry.register(HouseCollector(kept))
    house, web = encode(registry), encode(http.collector())
    return HttpResponse(joined(house, web), content_type=content_type)


def may_see(request: HttpRequest) -> bool:
    """Whoever has the token, and machines in the networks named.

    An address is taken for the caller's own only when no proxy of unknown standing is in between.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and settings.METRICS_TOKEN and same(token, settings.METRICS_TOKEN):
        return True
    if "X-Forwarded-For" in request.headers and not settings.TRUSTED_PROXY_COUNT:
        return False
    return is_inside(client_address(request), settings.METRICS_NETWORKS)


def joined(*texts: bytes) -> bytes:
    """Several expositions as one: OpenMetrics has a mark at its very end."""
    end = b"# EOF\n"
    is_open = texts[-1].endswith(end)
    return b"".join(text.removesuffix(end) for text in texts) + (end if is_open else b"")
