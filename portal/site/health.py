"""Is the house open?  Asked by the launcher, by load balancers and by people."""

from django.core.cache import cache
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 "ok"; 200 "degraded" without the cache (slower, nothing lost); 503 "unavailable" without the database."""
    database, store = database_answers(), cache_answers()
    status = "ok" if database and store else "degraded" if database else "unavailable"
    return JsonResponse({"status": status, "database": database, "cache": store}, status=200 if database else 503)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone() == (1,)
    except Error:
        if not connection.in_atomic_block:
            connection.close()
        return False


def cache_answers() -> bool:
    try:
        cache.set("healthz", 1, timeout=5)
        return cache.get("healthz") == 1
    except RedisError:
        return False
