"""How long requests take, by view, method and status.

The web may be several processes: each counts in a file of its own (prometheus_client's multiprocess mode), and whoever is asked
adds them up.
"""

from contextlib import suppress
from functools import cache
from pathlib import Path
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = settings.METRICS_FOLDER
FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

DURATION = Histogram(
    "signalbox_http_request_duration_seconds",
    "How long the web took over requests; their count is its _count",
    ["view", "method", "status"],
    buckets=SECONDS,
    registry=None,
)
#: When the request came, by `perf_counter`: set in its surroundings by whoever had it before Django.  No caller can set it:
#: what a caller says is a header, and headers have names of their own.
BEGAN = "signalbox.began"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class HttpMetricsMiddleware:
    """Times each request from its coming, with what it waited before Django and everything the other middleware does.

    Two clock readings and one addition.
    """

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = request.META.get(BEGAN) or perf_counter()
        response = self.get_response(request)
        duration_of(view_of(request), request.method, response.status_code).observe(perf_counter() - began)
        return response


def view_of(request: HttpRequest) -> str:
    """The name of the address: there are as many as we have, whatever is asked for."""
    match = request.resolver_match
    return match.view_name if match and match.view_name else "none"


@cache
def duration_of(view: str, method: str, status: int):
    return DURATION.labels(view, method if method in METHODS else "other", str(status))


def collector() -> CollectorRegistry:
    """The sums over all web processes on this machine.  Those of processes that are gone are left out: a counter that
    begins anew is what Prometheus expects of a restart."""
    forget_the_dead()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(FOLDER))
    return registry


def forget_the_dead() -> None:
    for file in FOLDER.glob("*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            with suppress(FileNotFoundError):
                file.unlink()
