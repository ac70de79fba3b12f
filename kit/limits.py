"""How much one caller may ask for in a second: two token buckets, of requests and of messages, in one round trip.

Limits keep neighbours quiet; they are not a safety.  Without Valkey requests pass.
"""

import logging
from functools import cache
from uuid import UUID

import redis
from django.conf import settings

from kit import valkey
from kit.errors import TooManyRequests

log = logging.getLogger(__name__)

#: What is not used within a second is saved up, until this many seconds' worth is together.
SECONDS_SAVED = 2

# ARGV holds, for each bucket, how much it gains in a second, how much it can hold, and what is taken from it.
# Taken is all or nothing; the answer is 0, or in how many milliseconds it would succeed.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('HGET', KEYS[1], 'at') or now)
local wait, left = 0, {}
for i = 1, #ARGV / 3 do
    local rate, most, cost = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
    local held = tonumber(redis.call('HGET', KEYS[1], 'b' .. i) or most)
    held = math.min(most, held + math.max(0, now - last) * rate / 1000)
    wait = math.max(wait, math.ceil((cost - held) * 1000 / rate))
    left[i] = held - cost
end
if wait > 0 then return wait end
redis.call('HSET', KEYS[1], 'at', now)
for i, held in ipairs(left) do redis.call('HSET', KEYS[1], 'b' .. i, tostring(held)) end
redis.call('PEXPIRE', KEYS[1], 60000)
return 0
"""


def count(caller: UUID, *, requests: int = 1, messages: int = 0) -> None:
    """Count requests of the caller, and the messages they ask for.

    Raises TooManyRequests with the seconds after which the same would pass; nothing was counted then.
    """
    wait = _take(
        f"limit:{caller}",
        *_bucket(settings.API_REQUESTS_PER_SECOND, requests),
        *_bucket(settings.API_MESSAGES_PER_SECOND, messages),
    )
    if wait:
        raise TooManyRequests(
            retry_after=-(-wait // 1000),
            requests_per_second=settings.API_REQUESTS_PER_SECOND,
            messages_per_second=settings.API_MESSAGES_PER_SECOND,
        )


def _bucket(rate: int, cost: int) -> tuple[int, int, int]:
    return rate, rate * SECONDS_SAVED, min(cost, rate * SECONDS_SAVED)


def _take(key: str, *numbers: int) -> int:
    try:
        return _script()(keys=[key], args=numbers)
    except redis.RedisError as error:
        log.debug("a request passes uncounted", extra={"why": type(error).__name__})
        return 0


@cache
def _script():
    return valkey.client().register_script(_TAKE)
