"""What one campaign says to one recipient: a version, a sender, and where each variable's value comes from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from messaging.content.compiled import CompiledVersion, Rendered, compiled
from messaging.content.models import SenderId, TemplateVersion

from .models import Campaign, RecipientFile


@dataclass(frozen=True)
class Wording:
    """`columns` names each variable's column, `fixed` its text for everyone or for whose cell is empty."""

    version: CompiledVersion
    sender: SenderId
    columns: Mapping[str, str]
    fixed: Mapping[str, str]

    def values_for(self, row: Mapping[str, str]) -> dict[str, str]:
        """The variables' values for a row of the file (its cells by column name)."""
        columns, fixed = self.columns, self.fixed
        return {name: row.get(columns.get(name, ""), "") or fixed.get(name, "") for name in self.version.names}

    def render(self, row: Mapping[str, str]) -> Rendered:
        """The text as the handset shows it.  Raises ValueRefused."""
        return self.version.render(self.values_for(row), self.sender)

    def missing(self) -> list[str]:
        """Variables that have neither a column nor a text."""
        return [name for name in self.version.names if not self.columns.get(name) and not self.fixed.get(name)]


def wording_of(campaign: Campaign) -> Wording | None:
    """The campaign's wording, when its template and sender are chosen."""
    if campaign.version is None or campaign.sender is None:
        return None
    return make_wording(campaign.version, campaign.sender, campaign.variable_columns, campaign.fixed_values)


def make_wording(
    version: TemplateVersion, sender: SenderId, columns: Mapping[str, str], fixed: Mapping[str, str]
) -> Wording:
    return Wording(compiled(version), sender, columns, fixed)


def fingerprint_of(file: RecipientFile, wording: Wording) -> str:
    """Tells whether a count was made of the same rows and the same words."""
    facts = [
        str(file.pk),
        str(file.reading),
        str(wording.version.id),
        str(wording.sender.pk),
        sorted(wording.columns.items()),
        sorted(wording.fixed.items()),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def guess_variables(names: tuple[str, ...], columns: list[str]) -> dict[str, str]:
    """Variables and the columns that are called the same, whatever their case, blanks and underscores."""
    known = {_plain(column): column for column in columns}
    return {name: known[_plain(name)] for name in names if _plain(name) in known}


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
