"""Valkey as everybody here asks it: quickly or not at all.  Nothing that matters is only there."""

from functools import cache

import redis
from django.conf import settings
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Away
from redis.exceptions import TimeoutError as Slow
from redis.retry import Retry

from . import breaker

#: Longer than a healthy answer takes on a busy machine, shorter than a person notices.
TIMEOUT_SECONDS = 0.5
QUICKLY = {
    "socket_timeout": TIMEOUT_SECONDS,
    "socket_connect_timeout": TIMEOUT_SECONDS,
    "retry": Retry(NoBackoff(), 0),
}


class QuickClient(redis.Redis):
    """Raises `redis.exceptions.ConnectionError` at once while Valkey is being left alone."""

    def execute_command(self, *arguments, **options):
        with breaker.CACHE.around(Away, Slow, away=Away("left alone for a moment")):
            return super().execute_command(*arguments, **options)


class QuickCacheClient(RedisCacheClient):
    def __init__(self, servers, **options) -> None:
        super().__init__(servers, **{**QUICKLY, **options})
        self._client = QuickClient


class QuickCache(RedisCache):
    """Django's cache in Valkey.  Without it every call raises a RedisError, at once after the first."""

    def __init__(self, server, params) -> None:
        super().__init__(server, params)
        self._class = QuickCacheClient


@cache
def client() -> QuickClient:
    """For what the cache has no words for."""
    return QuickClient.from_url(settings.CACHE_URL, **QUICKLY)
