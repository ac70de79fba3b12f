"""Reading a recipient file into rows: in chunks, each in one transaction, and anew whenever it was cut off."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from django.core.files.storage import default_storage
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organisation
from kit.ids import uuid7
from kit.sql import array, run, text_array

from .models import Recipient, RecipientFile, UnusableRow
from .rules.columns import unique_names
from .rules.files import ColumnMapping, FileRefused, FileShape, Row, Tally, Verdict, guess_columns, read_rows, sniff
from .rules.tally import DUPLICATE, UNUSABLE, VALID

#: Rows of the file whose verdicts are stored together.
CHUNK = 2_000
#: A reading that stored nothing for so long was cut off: somebody else may begin anew.
GIVEN_UP_AFTER = timedelta(seconds=60)
#: A value that is longer can't be sent anyway; one character more keeps that visible.
LONGEST_VALUE = 501
LONGEST_TYPED = 200
#: Rows of the file shown as examples.
SHOWN_ROWS = 5

_JSON = msgspec.json.Encoder()

_STORE_RECIPIENTS = """
INSERT INTO campaigns_recipient (organisation_id, file_id, "row", number, country, values)
SELECT %(organisation)s, %(file)s, u.*
FROM unnest(%(rows)s::int[], %(numbers)s::text[], %(countries)s::text[], %(values)s::jsonb[]) u
"""
_STORE_UNUSABLE = """
INSERT INTO campaigns_unusablerow (organisation_id, file_id, "row", typed, reason, first_row)
SELECT %(organisation)s, %(file)s, u.*
FROM unnest(%(rows)s::int[], %(typed)s::text[], %(reasons)s::text[], %(first_rows)s::int[]) u
"""


class ReadingReplaced(Exception):
    """Somebody else reads the file now, or it is to be read in another way: what this reading knows is of no use."""


def organisation_of_unread(file_id: UUID) -> Organisation | None:
    """Whose file it is, if it waits to be read or its reading was cut off.  Runs under the engine."""
    file = RecipientFile.objects.filter(to_be_read(), pk=file_id).select_related("organisation").first()
    return file.organisation if file else None


def to_be_read() -> Q:
    """Files that wait, and those whose reading was cut off."""
    cut_off = Q(status=RecipientFile.Status.READING, touched_at__lt=timezone.now() - GIVEN_UP_AFTER)
    return Q(status=RecipientFile.Status.UPLOADED) | cut_off


def read_file(*, organisation: Organisation, file_id: UUID) -> None:
    """Read the file into recipients and unusable rows, and count them.

    Afterwards it is read, or refused with the reason, and nothing of a refused file is left.  Cut off at any point and
    called again, it begins anew.  Each chunk enters the organisation's scope by itself, so progress can be seen.
    """
    with organisation.scope():
        file = _begin(file_id)
    if file is None:
        return
    try:
        _read(organisation, file)
    except FileRefused as refusal:
        with organisation.scope():
            _refuse(file, refusal)
    except ReadingReplaced:
        return


def _begin(file_id: UUID) -> RecipientFile | None:
    """Take the file for a reading of ours, empty of what an earlier one has stored."""
    file = RecipientFile.objects.select_for_update().filter(to_be_read(), pk=file_id).first()
    if file is None:
        return None
    file.status, file.reading, file.touched_at = file.Status.READING, uuid7(), timezone.now()
    file.rows_read, file.tally, file.refusal = 0, {}, {}
    file.save(update_fields=["status", "reading", "touched_at", "rows_read", "tally", "refusal"])
    _empty(file)
    return file


def _read(organisation: Organisation, file: RecipientFile) -> None:
    with local_copy(file) as path:
        shape = chosen_shape(path, file)
        with organisation.scope():
            _keep(file, shape=stored_shape(shape))
        mapping = chosen_columns(shape, file)
        with organisation.scope():
            _keep(file, mapping={"number_column": mapping.number_column})
        tally = Tally(mapping, default_region=file.default_region)
        verdicts = tally.read(read_rows(path, shape))
        while chunk := list(islice(verdicts, CHUNK)):
            with organisation.scope():
                _keep(file, rows_read=tally.summary().rows)
                _store(file, chunk)
    with organisation.scope():
        _keep(file, status=file.Status.READ, tally=asdict(tally.summary()), rows_read=tally.summary().rows)


def _keep(file: RecipientFile, **fields: Any) -> None:
    """Note how far we are, and lock the row until the transaction ends.  Raises ReadingReplaced."""
    ours = RecipientFile.objects.filter(pk=file.pk, reading=file.reading)
    if not ours.update(touched_at=timezone.now(), **fields):
        raise ReadingReplaced


def _refuse(file: RecipientFile, refusal: FileRefused) -> None:
    why = {"code": refusal.code, "message": refusal.message, "details": dict(refusal.details)}
    try:
        _keep(file, status=file.Status.REFUSED, refusal=why, tally={})
    except ReadingReplaced:
        return
    _empty(file)


def _empty(file: RecipientFile) -> None:
    Recipient.objects.filter(file=file).delete()
    UnusableRow.objects.filter(file=file).delete()


def _store(file: RecipientFile, verdicts: Iterable[Verdict]) -> None:
    valid, others = [], []
    for verdict in verdicts:
        if verdict.status == VALID:
            valid.append(verdict)
        elif verdict.status in (UNUSABLE, DUPLICATE):
            others.append(verdict)
    place = {"organisation": file.organisation_id, "file": file.pk}
    if valid:
        run(
            _STORE_RECIPIENTS,
            {
                **place,
                "rows": array([verdict.row for verdict in valid]),
                "numbers": array([verdict.number.e164 for verdict in valid]),
                "countries": array([verdict.number.country for verdict in valid]),
                "values": text_array([_JSON.encode(_values(verdict.values)).decode() for verdict in valid]),
            },
        )
    if others:
        run(
            _STORE_UNUSABLE,
            {
                **place,
                "rows": array([verdict.row for verdict in others]),
                "typed": text_array([_storable(verdict.typed)[:LONGEST_TYPED] for verdict in others]),
                "reasons": text_array([verdict.reason or DUPLICATE for verdict in others]),
                "first_rows": array([verdict.first_row for verdict in others]),
            },
        )


def _values(values: Mapping[str, str]) -> dict[str, str]:
    return {
        _storable(name): _storable(text)[:LONGEST_VALUE] for name, typed in values.items() if (text := typed.strip())
    }


def _storable(text: str) -> str:
    """PostgreSQL stores neither NULs nor halves of characters."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()


# --- how it is read: found out, or chosen by a person


def chosen_shape(path: Path, file: RecipientFile) -> FileShape:
    """The file's shape, with what a person overruled.  Raises FileRefused."""
    choices = file.choices
    shape = sniff(
        path,
        file.name,
        encoding=choices.get("encoding", ""),
        delimiter=choices.get("delimiter"),
        sheet=choices.get("sheet", ""),
    )
    wanted = choices.get("has_header")
    if wanted is None or wanted == shape.has_header:
        return shape
    return _with_header(shape) if wanted else _without_header(path, shape)


def _with_header(shape: FileShape) -> FileShape:
    """The first row names the columns after all."""
    first, *rest = shape.sample
    return replace(
        shape,
        has_header=True,
        header=unique_names(first.cells, width=shape.columns),
        sample=tuple(rest),
        first_row=first.number + 1,
    )


def _without_header(path: Path, shape: FileShape) -> FileShape:
    """What looked like names is the first recipient."""
    shape = replace(
        shape, has_header=False, header=unique_names((), width=shape.columns), first_row=shape.first_row - 1
    )
    return replace(shape, sample=tuple(islice(read_rows(path, shape), len(shape.sample) + 1)))


def chosen_columns(shape: FileShape, file: RecipientFile) -> ColumnMapping:
    """Which column holds the numbers; all others are values.  Raises FileRefused `no_number_column`."""
    column = file.choices.get("number_column")
    if column is None or column >= shape.columns:
        column = guess_columns(shape.header, shape.sample, file.default_region).number_column
    return ColumnMapping(column, {name: index for index, name in enumerate(shape.header) if index != column})


def stored_shape(shape: FileShape) -> dict[str, Any]:
    """A shape as it is kept and shown, with its first rows as examples."""
    return {
        "kind": shape.kind,
        "encoding": shape.encoding,
        "delimiter": shape.delimiter,
        "has_header": shape.has_header,
        "header": [_storable(name) for name in shape.header],
        "sample": [_shown(row) for row in shape.sample[:SHOWN_ROWS]],
        "first_row": shape.first_row,
        "sheet": _storable(shape.sheet),
        "sheets": [_storable(name) for name in shape.sheets],
    }


def _shown(row: Row) -> list[str]:
    return [_storable(cell)[:LONGEST_TYPED] for cell in row.cells]


@contextmanager
def local_copy(file: RecipientFile) -> Iterator[Path]:
    """The file on this machine's disk, whatever the storage."""
    try:
        path = Path(default_storage.path(file.path))
    except NotImplementedError:
        path = None
    if path:
        yield path
        return
    with tempfile.NamedTemporaryFile() as copy, default_storage.open(file.path) as source:
        shutil.copyfileobj(source, copy)
        copy.flush()
        yield Path(copy.name)
