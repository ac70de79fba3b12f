"""Taking in recipient files, and saying how they are to be read."""

from collections.abc import Iterator
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record
from accounts.models import Organisation, User
from kit.errors import Invalid
from kit.events import emit
from kit.ids import uuid7
from messaging.campaigns.errors import FileEmpty, FileInUse, FileTooLarge, FileUnreadable
from messaging.campaigns.events import file_waits
from messaging.campaigns.models import Campaign, RecipientFile
from messaging.campaigns.queries import file_of
from messaging.campaigns.regions import REGIONS
from messaging.campaigns.rules.encodings import ENCODINGS

LONGEST_NAME = 255
DELIMITERS = (",", ";", "\t", "|", "")
_CHUNK = 256 * 1024


def upload_file(
    *, organisation: Organisation, name: str, stream: BinaryIO, by: User, default_region: str = ""
) -> RecipientFile:
    """Keep a file of recipients and have it read.

    It is stored under a random name of ours; what the uploader called it is only ever shown.  Raises FileTooLarge as
    soon as more than settings.UPLOAD_LIMIT_BYTES have come, FileEmpty when nothing has; nothing is kept then.
    """
    region = check_region(default_region or organisation.country)
    path, size = _store(organisation, stream)
    try:
        with transaction.atomic():
            file = RecipientFile.objects.create(
                organisation=organisation,
                name=shown_name(name),
                path=path,
                size=size,
                default_region=region,
                uploaded_by=by,
            )
            record(action="recipient_file.uploaded", target=file, organisation=organisation, after={"size": size})
            emit(file_waits, sender=RecipientFile, file_id=file.pk)
    except BaseException:
        default_storage.delete(path)
        raise
    return file


@transaction.atomic
def set_reading(
    *,
    organisation: Organisation,
    file_id: UUID,
    default_region: str | None = None,
    number_column: int | None = None,
    has_header: bool | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> RecipientFile:
    """Overrule how a file is read; what is None stays as it is, an empty encoding or sheet is found out anew.

    The file is read anew when anything changed.  Raises Invalid naming the field, FileInUse once a campaign was
    started with it, FileUnreadable once it was erased, NotFound.
    """
    file = file_of(organisation, file_id, lock=True)
    wanted = {
        "number_column": _column(file, number_column),
        "has_header": has_header,
        "encoding": _encoding(encoding),
        "delimiter": _delimiter(delimiter),
        "sheet": _sheet(file, sheet),
    }
    choices = {**file.choices, **{key: value for key, value in wanted.items() if value is not None}}
    choices = {key: value for key, value in choices.items() if value != "" or key == "delimiter"}
    region = file.default_region if default_region is None else check_region(default_region)
    if (choices, region) == (file.choices, file.default_region):
        return file
    if not file.path:
        raise FileUnreadable(why=file.refusal.get("code", ""))
    if file.campaigns.exclude(status=Campaign.Status.DRAFT).exists():
        raise FileInUse
    file.choices, file.default_region = choices, region
    read_anew(file)
    return file


def read_anew(file: RecipientFile) -> None:
    """Put a locked file back to its start: the reading under way, if any, stores no more."""
    file.status, file.reading, file.refusal, file.tally, file.rows_read = file.Status.UPLOADED, None, {}, {}, 0
    file.save(update_fields=["choices", "default_region", "status", "reading", "refusal", "tally", "rows_read"])
    emit(file_waits, sender=RecipientFile, file_id=file.pk)


def shown_name(name: str) -> str:
    """A file's name without folders and without what can't be shown."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable()).strip()[:LONGEST_NAME] or str(_("Recipients"))


def check_region(region: str) -> str:
    """An ISO country code of a numbering plan we know.  Raises Invalid."""
    region = region.upper()
    if region not in REGIONS:
        raise Invalid(fields={"default_region": _("There is no country with this code.")})
    return region


class _Counted(File):
    """A stream that stops being read once it is longer than allowed."""

    def __init__(self, stream: BinaryIO, *, limit: int) -> None:
        super().__init__(stream)
        self.limit, self.length = limit, 0

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        while chunk := self.file.read(_CHUNK):
            self.length += len(chunk)
            if self.length > self.limit:
                raise FileTooLarge(limit=self.limit)
            yield chunk


def _store(organisation: Organisation, stream: BinaryIO) -> tuple[str, int]:
    path = f"recipients/{organisation.pk}/{uuid7()}"
    counted = _Counted(stream, limit=settings.UPLOAD_LIMIT_BYTES)
    try:
        stored = default_storage.save(path, counted)
        if not counted.length:
            raise FileEmpty
    except BaseException:
        default_storage.delete(path)
        raise
    return stored, counted.length


def _column(file: RecipientFile, index: int | None) -> int | None:
    if index is None:
        return None
    if not 0 <= index < len(file.shape.get("header", ())):
        raise Invalid(fields={"number_column": _("The file has no such column.")})
    return index


def _encoding(encoding: str | None) -> str | None:
    if encoding and encoding not in ENCODINGS:
        raise Invalid(fields={"encoding": _("This encoding is not one we read.")})
    return encoding


def _delimiter(delimiter: str | None) -> str | None:
    if delimiter is not None and delimiter not in DELIMITERS:
        raise Invalid(fields={"delimiter": _("Choose a comma, semicolon, tab, bar, or one number a line.")})
    return delimiter


def _sheet(file: RecipientFile, sheet: str | None) -> str | None:
    if sheet and sheet not in file.shape.get("sheets", ()):
        raise Invalid(fields={"sheet": _("The workbook has no such sheet.")})
    return sheet
