"""Which column holds the phone numbers, and what the others are called."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from messaging.recipients.rules.numbers import Number, parse_number, plain_text

from .shapes import FileRefused, Row

#: Header words that mean a mobile number, and those that mean some number of a person; plain, lower case.
_MOBILE_WORDS: Final = re.compile(
    r"手机|手機|移动电话|行動電話|\bmobile|\bmsisdn|\bcell\b|\bcell ?phone|\bhandy\b|\bcelular|\bportable\b|携帯"
)
_PHONE_WORDS: Final = re.compile(
    r"电话|電話|联系方式|聯絡方式|被叫|\bphones?\b|phone ?(?:number|no)|\btel\b|\btelephone|\btelefon|\bwhatsapp"
    r"|^(?:number|numbers|recipient|recipients|to|号码|號碼|号码列表)$"
)
_OTHER_NUMBERS: Final = re.compile(r"订单|訂單|order|账|帳|卡号|身份证|编号|編號|fax|传真|傳真|invoice|customer ?no")
_PLACEHOLDERS: Final = frozenset({"", "-", "--", "/", "n/a", "na", "none", "null", "nil", "无", "無", "暂无", "未知"})

#: A column without a telling header is taken if this share of its sample are usable numbers.
ENOUGH_NUMBERS = 0.3
#: Rows that are looked at to guess.
ENOUGH_ROWS = 100
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Where a row's number is, and which template variables the other columns fill: name → index, from 0."""

    number_column: int
    variables: Mapping[str, int] = field(default_factory=dict)


def guess_columns(header: Sequence[str], sample_rows: Iterable[Row], default_region: str) -> ColumnMapping:
    """The likeliest mapping: the number column by its header's words and by what is in it, every other by name.

    Raises FileRefused `no_number_column` (with the names seen) when no column is likely.
    """
    rows = list(islice(sample_rows, ENOUGH_ROWS))
    scores = [_score(name, index, rows, default_region) for index, name in enumerate(header)]
    best = max(range(len(scores)), key=scores.__getitem__, default=None)
    if best is None or scores[best] <= 0:
        raise FileRefused("no_number_column", columns=list(header[:20]))
    return ColumnMapping(best, {name: index for index, name in enumerate(header) if index != best})


def _score(name: str, index: int, rows: Sequence[Row], default_region: str) -> float:
    share = _usable_share(index, rows, default_region)
    word = _word_score(name)
    if not word and share < ENOUGH_NUMBERS:
        return 0.0
    return word + share


def _word_score(name: str) -> float:
    words = re.sub(r"[_\-.]+", " ", plain_text(name).lower()).strip()
    if _OTHER_NUMBERS.search(words):
        return 0.0
    if _MOBILE_WORDS.search(words):
        return 0.6
    return 0.4 if _PHONE_WORDS.search(words) else 0.0


def _usable_share(index: int, rows: Sequence[Row], default_region: str) -> float:
    cells = [row.cells[index] for row in rows if index < len(row.cells) and row.cells[index].strip()]
    if not cells:
        return 0.0
    usable = sum(isinstance(parse_number(cell, default_region=default_region), Number) for cell in cells)
    return usable / len(cells)


def has_header(first: Sequence[str], rest: Sequence[Row]) -> bool:
    """Whether the first row names the columns: no phone number in it, and a telling word or numbers only below it."""
    if any(_looks_like_a_number(cell) for cell in first):
        return False
    if any(_word_score(cell) for cell in first):
        return True
    for index, cell in enumerate(first):
        below = [row.cells[index] for row in rest if index < len(row.cells)]
        if below and sum(map(_looks_like_a_number, below)) * 2 > len(below):
            return plain_text(cell).lower() not in _PLACEHOLDERS and not any(map(str.isdigit, cell))
    return False


def _looks_like_a_number(cell: str) -> bool:
    plain = plain_text(cell[:100])
    digits = sum(map(str.isdigit, plain))
    return digits >= 5 and digits * 10 >= len(plain) * 6


def unique_names(names: Sequence[str], *, width: int) -> tuple[str, ...]:
    """`width` distinct names: as written, "column 3" where there is none, "city (2)" where one comes again."""
    taken: dict[str, int] = {}
    distinct = []
    for index in range(width):
        written = " ".join(names[index].split())[:LONGEST_NAME] if index < len(names) else ""
        name = written or f"column {index + 1}"
        while name in taken:
            taken[written] = taken.get(written, 1) + 1
            name = f"{written or 'column'} ({taken[written]})"
        taken[name] = 1
        distinct.append(name)
    return tuple(distinct)
