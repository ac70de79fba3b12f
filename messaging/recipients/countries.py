"""Countries and territories by name, in the reader's language.

The names are those of the Unicode CLDR as `phonenumbers` carries them, English and Chinese alone: reading its own
table of all languages would cost each process more than everything else of the package together.
"""

import json
from functools import cache
from pathlib import Path

from django.utils import translation

NAMES = Path(__file__).with_name("country_names.json")


def country_name(code: str) -> str:
    """What the reader calls it; a code nobody knows stays as it is."""
    english, chinese = _names().get(code, (code, code))
    return chinese if (translation.get_language() or "").startswith("zh") else english


@cache
def _names() -> dict[str, tuple[str, str]]:
    return json.loads(NAMES.read_text("utf-8"))
