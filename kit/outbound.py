"""Calls to addresses other people chose.  They can't be aimed at our own network, can't last and can't be large.

A host name is resolved once, all its addresses must be public, and the connection goes to one of those that were
checked, so that a name which answers differently the second time gains nothing.  TLS still proves the name.
No redirects, no proxies, no cookies; ports 80 and 443; five seconds in all; 64 KiB are read.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LookupSlow
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from http.cookiejar import DefaultCookiePolicy

import httpcore
import httpx
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from .errors import DomainError

TOTAL_SECONDS = 5.0
MOST_BYTES_READ = 64 * 1024
PORTS = (80, 443)
LONGEST_URL = 500

Resolve = Callable[[str, int], Iterable[str]]


class AddressRefused(DomainError):
    """The address is not one we call: not on the public internet, or not plain HTTP(S) on its usual port."""

    code = "address_not_allowed"
    message = _("This address can't be called.")


class NoAnswer(Exception):
    """Nothing came back in time; the text says why and is safe to show."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.  `body` is cut after 64 KiB."""

    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def check_url(url: str) -> str:
    """The URL, when its form is one we call.  Raises AddressRefused; what its name resolves to is checked on calling."""
    parts = _parse(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if parts.host not in _trusted_hosts() and port not in PORTS:
        raise AddressRefused(_("Use port 80 or 443."))
    if literal := _as_literal(parts.host):
        check_address(parts.host, literal)
    elif "." not in parts.host.rstrip(".") and parts.host not in _trusted_hosts():
        raise AddressRefused(_("Use a full host name, such as hooks.example.com."))
    return url


def check_address(host: str, address: str) -> None:
    """Raises AddressRefused unless the address is public, or the operator trusts the host."""
    if host not in _trusted_hosts() and not is_public(address):
        raise AddressRefused(_("This address is not on the public internet."))


def is_public(address: str) -> bool:
    """Whether anybody on the internet can be behind the address.  Wrapped IPv4 addresses are judged by what is inside."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None,))[0]
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


class Outbound:
    """A client for such calls, safe to share between threads.  `resolve` and `tls` are for tests."""

    def __init__(self, *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None) -> None:
        tls = tls or httpx.create_ssl_context(trust_env=False)
        transport = httpx.HTTPTransport(verify=tls, trust_env=False)
        transport._pool = httpcore.ConnectionPool(  # the one part httpx offers no argument for
            ssl_context=tls,
            network_backend=_CheckedNetwork(resolve or lookup),
            max_connections=200,
            max_keepalive_connections=50,
            keepalive_expiry=15,
        )
        self._client = httpx.Client(transport=transport, trust_env=False, follow_redirects=False, timeout=TOTAL_SECONDS)
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Reply:
        """Send one POST.  Raises AddressRefused, or NoAnswer when no complete answer came within five seconds."""
        check_url(url)
        before = _deadline.set(time.monotonic() + TOTAL_SECONDS)
        try:
            headers = {"Accept-Encoding": "identity", **headers}
            with self._client.stream("POST", url, content=content, headers=headers) as response:
                return Reply(response.status_code, _read(response))
        except httpx.TimeoutException:
            raise NoAnswer(f"No answer within {TOTAL_SECONDS:.0f} seconds") from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, UnicodeError) as error:
            raise NoAnswer(_why(error)) from None
        finally:
            _deadline.reset(before)

    def close(self) -> None:
        self._client.close()


@cache
def outbound() -> Outbound:
    """This process's client."""
    return Outbound()


#: Until when the call this thread is making may last.
_deadline: ContextVar[float] = ContextVar("outbound_deadline")


def _time_left(timeout: float | None) -> float:
    left = _deadline.get(time.monotonic() + TOTAL_SECONDS) - time.monotonic()
    return max(0.001, left if timeout is None else min(left, timeout))


class _CheckedNetwork(httpcore.SyncBackend):
    """Connects to addresses that were checked, and to nothing else."""

    def __init__(self, resolve: Resolve) -> None:
        super().__init__()
        self.resolve = resolve

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        addresses = list(self.resolve(host, port))
        if not addresses:
            raise httpcore.ConnectError("The host name is not known")
        for address in addresses:
            check_address(host, address)
        return _TimedStream(_connect_first(super().connect_tcp, addresses, port, socket_options))

    def connect_unix_socket(self, *args, **kwargs):
        raise AddressRefused


def _connect_first(connect, addresses: list[str], port: int, socket_options):
    """The first of several addresses that answers; each gets its share of the time."""
    for position, address in enumerate(addresses[:4], start=1):
        try:
            share = _time_left(None) / (min(len(addresses), 4) - position + 1)
            return connect(address, port, timeout=share, socket_options=socket_options)
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            if position == min(len(addresses), 4):
                raise
    raise httpcore.ConnectError("nobody answers")


class _TimedStream(httpcore.NetworkStream):
    """A connection on which every wait ends with the call's deadline: a byte a second can't hold a worker."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._check(httpcore.ReadTimeout)
        return self._stream.read(max_bytes, timeout=_time_left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._check(httpcore.WriteTimeout)
        self._stream.write(buffer, timeout=_time_left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context, server_hostname=None, timeout=None) -> "_TimedStream":
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, timeout=_time_left(timeout)))

    def get_extra_info(self, info: str):
        return self._stream.get_extra_info(info)

    def _check(self, too_late: type[Exception]) -> None:
        if time.monotonic() >= _deadline.get(float("inf")):
            raise too_late("deadline")


_lookups = ThreadPoolExecutor(max_workers=16, thread_name_prefix="lookup")


def lookup(host: str, port: int) -> list[str]:
    """All addresses of a host, by the system's resolver, within the time the call has left."""
    asked: Future = _lookups.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = asked.result(timeout=_time_left(None))
    except LookupSlow:
        asked.cancel()
        raise httpcore.ConnectTimeout("the name server is slow") from None
    except (OSError, UnicodeError):
        raise httpcore.ConnectError("The host name is not known") from None
    return list(dict.fromkeys(address[0].partition("%")[0] for *_rest, address in found))


def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) >= MOST_BYTES_READ:
            break
    return bytes(body[:MOST_BYTES_READ])


def _parse(url: str) -> httpx.URL:
    try:
        parts = httpx.URL(url)
        parts.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError, TypeError, ValueError):
        raise AddressRefused(_("This is not a web address.")) from None
    if parts.scheme not in ("http", "https") or not parts.host or len(url) > LONGEST_URL:
        raise AddressRefused(_("Use an address that begins with https:// or http://."))
    if parts.userinfo:
        raise AddressRefused(_("Leave user name and password out of the address: every call is signed."))
    return parts


def _as_literal(host: str) -> str | None:
    """The address a host means when it is no name: also 127.1, 0x7f000001, 017700000001, 2130706433 and 0."""
    try:
        return str(ipaddress.ip_address(host.strip("[]").partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    except (OSError, UnicodeError):
        return None


def _trusted_hosts() -> list[str]:
    return settings.OUTBOUND_ALLOWED_PRIVATE


def _why(error: Exception) -> str:
    """In a few words: what went wrong, without what it was sent."""
    if isinstance(error, httpx.ConnectError):
        return f"No connection: {str(error)[:120]}"
    return f"{type(error).__name__}: {str(error)[:120]}"
