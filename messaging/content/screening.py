"""The operator's word list as one ready screen, rebuilt when the list changes."""

from functools import lru_cache

from django.db import connection

from .models import SensitiveWord
from .rules import screening as rules

_STATE = """
    SELECT count(*), coalesce(sum(hashtextextended(concat_ws(chr(31), word, category, severity), 0)), 0)::text
    FROM content_sensitiveword
"""


def current_screen() -> rules.Screen:
    """The screen for the words as they are in this transaction: one small query; building it happens once a change."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE)
        return _screen(cursor.fetchone())


@lru_cache(maxsize=4)
def _screen(state: tuple[int, str]) -> rules.Screen:
    rows = SensitiveWord.objects.values_list("word", "category", "severity")
    return rules.Screen(rules.SensitiveWord(*row) for row in rows)
