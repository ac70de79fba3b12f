"""How amounts, counts, rates, numbers to call and times are written.  Templates use the filters over these."""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache, lru_cache
from typing import Any

from django.utils import formats, timezone
from django.utils.timesince import timesince
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

MINUS = "−"
NOTHING = "—"
SIGNS = {"CNY": "¥", "GBP": "£", "USD": "$", "EUR": "€", "SGD": "S$", "HKD": "HK$"}
#: Below this many finished messages a rate says little; it is shown without colour.
ENOUGH_FOR_COLOUR = 200


def format_money(micros: int | None, currency: str, *, decimals: int = 2) -> str:
    """£1,403.09 from 1_403_090_000 micros; a currency without a sign of its own keeps its code.

    Rounds half to even; never passes through a float.  None is a dash: unknown is not zero.
    """
    if micros is None:
        return NOTHING
    amount = (Decimal(abs(micros)) / 1_000_000).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    minus = MINUS if micros < 0 and amount else ""
    return f"{minus}{SIGNS.get(currency, f'{currency} ')}{amount:,}"


def format_unit_price(micros: int | None, currency: str) -> str:
    """£0.0291: prices of one segment have four decimals."""
    return format_money(micros, currency, decimals=4)


def format_count(number: int | None) -> str:
    """48,216; a dash when unknown."""
    if number is None:
        return NOTHING
    return f"{number:,}".replace("-", MINUS)


def format_percent(part: int | None, whole: int | None, *, decimals: int = 1) -> str:
    """98.4% of whole; a dash when there is nothing to take a part of."""
    if not whole or part is None:
        return NOTHING
    return f"{_quantized(Decimal(part) * 100 / whole, decimals)}%"


def delivery_rate(delivered: int, failed: int, *, decimals: int = 1) -> str:
    """Delivered of what has finished.  Waiting and "no receipt" are shown beside it, never inside it."""
    return format_percent(delivered, delivered + failed, decimals=decimals)


def delivery_tone(delivered: int, failed: int, *, target: Decimal | int = 97) -> str:
    """ok, warn or bad for a delivery rate; empty while too few messages have finished to say."""
    finished = delivered + failed
    if finished < ENOUGH_FOR_COLOUR:
        return ""
    rate = Decimal(delivered) * 100 / finished
    if rate >= target:
        return "ok"
    return "warn" if rate >= target - 5 else "bad"


def mask_phone(number: str) -> str:
    """+44 7700 900••3: enough to recognise, too little to dial.  Everything but the last three digits' middle stays.

    No number is one that was erased, and says so.
    """
    written = spaced_phone(number)
    digits = [at for at, letter in enumerate(written) if letter.isdigit()]
    if len(digits) < 7:
        return written
    hidden = set(digits[-3:-1])
    return "".join("•" if at in hidden else letter for at, letter in enumerate(written))


def spaced_phone(number: str) -> str:
    """An E.164 number with its usual spaces; anything else as it is.  No number is one that was erased."""
    if not number:
        return pgettext("a number or a text", "erased")
    phonenumbers = _phonenumbers()
    try:
        parsed = _as_stored(number) or phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


#: As messages store numbers: a calling code and a number that does not begin with a zero.
_STORED = re.compile(r"\+[1-9][0-9]{7,14}")


def _as_stored(number: str) -> Any:
    """A number as it is stored, taken apart; None when it has another shape.

    Reading one as if a person had typed it takes as long as a list's row of everything else, and would drop a national
    prefix that a carrier left in (the second 1 of +1 1…): what is shown is what is stored.
    """
    if not _STORED.fullmatch(number):
        return None
    phonenumbers = _phonenumbers()
    for end in (2, 3, 4):  # no calling code begins another
        code = int(number[1:end])
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            is_plain = number[end] != "0"
            return phonenumbers.PhoneNumber(code, int(number[end:])) if is_plain else None
    return None


@cache
def _phonenumbers() -> Any:
    """20 ms to import: only processes that write numbers pay for it.  Its patterns are compiled once, not for each number."""
    import phonenumbers
    from phonenumbers.re_util import enable_pattern_cache

    enable_pattern_cache()
    return phonenumbers


def ago(moment: datetime | None) -> str:
    """ "just now", "3 minutes ago"; a dash for never."""
    if moment is None:
        return NOTHING
    seconds = (timezone.now() - moment).total_seconds()
    if seconds < 5:
        return _("just now")
    if seconds < 60:
        return ngettext("%(seconds)d second ago", "%(seconds)d seconds ago", int(seconds)) % {"seconds": int(seconds)}
    return _("%(span)s ago") % {"span": timesince(moment, depth=1)}


def moment(at: datetime | None) -> str:
    """22 Nov 2026, 15:12 in the time zone of the request; 2026-11-22 15:12 in Chinese."""
    if at is None:
        return NOTHING
    return _minute(timezone.localtime(at).replace(second=0, microsecond=0, tzinfo=None), get_language())


@lru_cache(maxsize=4096)
def _minute(local: datetime, language: str) -> str:
    """A minute on the wall's clock.  Kept: a page's rows have few of them, and the next page has the same."""
    return formats.date_format(local, "DATETIME_FORMAT")


def series(words: Iterable[Any]) -> str:
    """One, two, three: with the comma of the language."""
    return pgettext("between the words of a series", ", ").join(map(str, words))


def took(milliseconds: float | int | None) -> str:
    """29 ms, 1.3 s, 4 min 10 s: a span as a person reads it."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 1000:
        return _("%(number)s ms") % {"number": round(milliseconds)}
    seconds = Decimal(str(milliseconds)) / 1000
    if seconds < 60:
        return _("%(number)s s") % {"number": _quantized(seconds, 1)}
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}
    hours, minutes = divmod(minutes, 60)
    return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}


def _quantized(number: Decimal, decimals: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
