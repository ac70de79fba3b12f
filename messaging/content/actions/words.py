"""The operator's list of words compliance watches for."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import Organisation

from ..models import SensitiveWord
from ..texts import clean_line, refuse


@transaction.atomic
def add_words(*, operator: Organisation, words: Iterable[str], category: str, severity: str) -> int:
    """Watch for these words from now on; words already listed take on the new category and severity."""
    if severity not in SensitiveWord.Severity.values:
        raise refuse("severity", _("Choose block or warn."))
    category = clean_line("category", category, longest=40)
    cleaned = {clean_line("words", word, longest=80) for word in words}
    rows = [
        SensitiveWord(organisation=operator, word=word, category=category, severity=severity)
        for word in sorted(cleaned)
    ]
    SensitiveWord.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["organisation", "word"], update_fields=["category", "severity"]
    )
    audit.record(
        action="words.added",
        target=operator,
        after={"words": sorted(cleaned), "category": category, "severity": severity},
        organisation=operator,
    )
    return len(rows)


@transaction.atomic
def remove_word(*, word: SensitiveWord) -> None:
    """Stop watching for a word."""
    audit.record(
        action="words.removed",
        target=word,
        before={"word": word.word, "category": word.category, "severity": word.severity},
        organisation=word.organisation,
    )
    word.delete()
