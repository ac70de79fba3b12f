"""From an uploaded file to recipients: at the action's door, with the rows in the database."""

import io
import json
import zipfile

import pytest
from django.core.files.storage import default_storage

from accounts.tests.factories import make_customer
from kit.errors import Invalid, NotFound
from messaging.campaigns import reading
from messaging.campaigns.actions import set_reading, upload_file
from messaging.campaigns.errors import FileEmpty, FileInUse, FileTooLarge
from messaging.campaigns.models import Recipient, RecipientFile, UnusableRow
from messaging.campaigns.queries import file_of
from messaging.campaigns.reading import read_file
from messaging.campaigns.tests.factories import (
    SAMPLES,
    make_file,
    make_sender,
    make_started,
    make_world,
    people,
    upload,
)

pytestmark = pytest.mark.django_db
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())


def kept_files() -> list[str]:
    try:
        folders, files = default_storage.listdir("recipients")
    except FileNotFoundError:
        return []
    return [name for folder in folders for name in default_storage.listdir(f"recipients/{folder}")[1]]


@pytest.mark.parametrize(
    "name", ["recipients-gb18030.csv", "recipients-utf16-tab.txt", "recipients-utf8-bom.csv", "recipients.xlsx"]
)
def test_the_sample_files_give_what_is_expected_of_them(name):
    customer = make_customer(country="CN")

    file = make_file(customer, (SAMPLES / name).read_bytes(), name=name)

    assert file.status == RecipientFile.Status.READ
    assert {key: file.tally[key] for key in EXPECTED if key != "default_region"} == {
        key: value for key, value in EXPECTED.items() if key != "default_region"
    }
    assert file.recipients.count() == EXPECTED["valid"]
    assert file.unusable_rows.exclude(reason="duplicate").count() == EXPECTED["unusable"]
    assert file.unusable_rows.filter(reason="duplicate", first_row__gt=0).count() == EXPECTED["duplicates"]
    assert file.rows_read == EXPECTED["rows"]


def test_recipients_keep_their_other_columns_and_unusable_rows_their_number_as_typed():
    customer = make_customer(country="GB")

    file = make_file(customer, "name,mobile,city\nAda, +44 7400 123456 ,Leeds\nBob,0740 012 34,\n,07400 123456,York\n")

    (recipient,) = file.recipients.all()
    assert (recipient.row, recipient.number, recipient.country) == (2, "+447400123456", "GB")
    assert recipient.values == {"name": "Ada", "city": "Leeds"}
    short, again = file.unusable_rows.order_by("row")
    assert (short.row, short.typed, short.reason) == (3, "0740 012 34", "too_short")
    assert (again.row, again.typed, again.reason, again.first_row) == (4, "07400 123456", "duplicate", 2)
    assert file.columns == ["name", "city"]


def test_of_an_endless_cell_only_the_beginning_is_repeated():
    file = make_file(make_customer(), "phone\n+447400123456\n" + "7" * 1_000 + "\n")

    [row] = file.unusable_rows.all()

    assert row.typed == "7" * 200


def test_a_file_is_read_once_it_is_uploaded(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        file = upload(make_customer(), people(3))

    file.refresh_from_db()
    assert (file.status, file.tally["valid"]) == ("read", 3)


def test_a_file_cut_off_half_way_is_read_anew(monkeypatch):
    customer = make_customer()
    file = upload(customer, people(50))
    monkeypatch.setattr(reading, "CHUNK", 20)
    store = reading._store

    def store_and_die(file, verdicts):
        store(file, verdicts)
        if Recipient.objects.filter(file=file).count() >= 40:
            raise KeyboardInterrupt

    monkeypatch.setattr(reading, "_store", store_and_die)
    with pytest.raises(KeyboardInterrupt):
        read_file(organisation=customer, file_id=file.pk)
    monkeypatch.setattr(reading, "_store", store)

    read_file(organisation=customer, file_id=file.pk)
    file.refresh_from_db()
    assert file.status == "reading", "its reader may still be alive"
    RecipientFile.objects.update(touched_at="2020-01-01T00:00Z")
    read_file(organisation=customer, file_id=file.pk)

    file.refresh_from_db()
    assert (file.status, file.tally["valid"], file.recipients.count()) == ("read", 50, 50)


def test_a_reading_that_was_replaced_stores_no_more(monkeypatch):
    customer = make_customer()
    file = upload(customer, people(50))
    monkeypatch.setattr(reading, "CHUNK", 20)
    store, seen = reading._store, []

    def read_differently(file, verdicts):
        store(file, verdicts)
        if not seen:
            seen.append(file.reading)
            with customer.scope():
                set_reading(organisation=customer, file_id=file.pk, default_region="US")
            read_file(organisation=customer, file_id=file.pk)

    monkeypatch.setattr(reading, "_store", read_differently)
    read_file(organisation=customer, file_id=file.pk)

    file.refresh_from_db()
    assert (file.status, file.default_region, file.recipients.count()) == ("read", "US", 50)
    assert file.reading not in seen


def test_what_was_guessed_can_be_overruled():
    customer = make_customer(country="GB")
    file = make_file(customer, "07400 123456;020 7946 0991\n07400 123457;07400 123458\n")
    assert (file.shape["has_header"], file.mapping, file.tally["valid"]) == (False, {"number_column": 0}, 2)

    with customer.scope():
        set_reading(organisation=customer, file_id=file.pk, number_column=1, has_header=True)
    read_file(organisation=customer, file_id=file.pk)

    file.refresh_from_db()
    assert file.shape["header"] == ["07400 123456", "020 7946 0991"]
    assert [(one.row, one.number) for one in file.recipients.all()] == [(2, "+447400123458")]

    with customer.scope():
        set_reading(organisation=customer, file_id=file.pk, number_column=0, has_header=False)
    read_file(organisation=customer, file_id=file.pk)

    file.refresh_from_db()
    assert [one.row for one in file.recipients.order_by("row")] == [1, 2]
    assert file.columns == ["column 2"]


def test_a_header_that_was_found_can_be_taken_for_a_recipient():
    customer = make_customer(country="GB")
    file = make_file(customer, "phone,name\n07400 123456,Ada\n")

    with customer.scope():
        set_reading(organisation=customer, file_id=file.pk, has_header=False)
    read_file(organisation=customer, file_id=file.pk)

    file.refresh_from_db()
    assert (file.tally["rows"], file.tally["valid"], file.shape["sample"][0]) == (2, 1, ["phone", "name"])


def test_choosing_what_is_chosen_already_reads_nothing_again():
    customer = make_customer(country="GB")
    file = make_file(customer, people(2))

    with customer.scope():
        again = set_reading(organisation=customer, file_id=file.pk, default_region="GB")

    assert again.status == RecipientFile.Status.READ


@pytest.mark.parametrize(
    ("field", "choice"),
    [
        ("default_region", {"default_region": "XX"}),
        ("encoding", {"encoding": "ebcdic"}),
        ("delimiter", {"delimiter": "x"}),
        ("number_column", {"number_column": 7}),
        ("number_column", {"number_column": -1}),
        ("sheet", {"sheet": "none"}),
    ],
)
def test_choices_that_cannot_be_are_refused_by_name(field, choice):
    customer = make_customer(country="GB")
    file = make_file(customer, people(1))

    with pytest.raises(Invalid) as refused, customer.scope():
        set_reading(organisation=customer, file_id=file.pk, **choice)

    assert list(refused.value.details["fields"]) == [field]
    file.refresh_from_db()
    assert (file.status, file.choices) == ("read", {})


def test_a_file_in_use_stays_as_it_was_read():
    world = make_world()
    campaign = make_started(world)

    with pytest.raises(FileInUse), world.customer.scope():
        set_reading(organisation=world.customer, file_id=campaign.file_id, default_region="US")


def zip_bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("[Content_Types].xml", "<Types/>")
        bomb.writestr("xl/workbook.xml", "<workbook/>")
        bomb.writestr("xl/worksheets/sheet1.xml", b"<worksheet>" + b" " * (60 * 1024 * 1024))
    return target.getvalue()


@pytest.mark.parametrize(
    ("_case", "content", "code", "details"),
    [
        ("a picture", b"\x89PNG\r\n\x1a\n" + bytes(2000), "file_is_binary", {"looks_like": "png"}),
        ("NULs", b"phone\n07400123456\n0770\x00900124\n", "file_is_binary", {}),
        ("a web page", b"<!doctype html><table><tr><td>07400123456", "html_pretending", {}),
        ("a zip bomb", zip_bomb(), "workbook_too_large", {}),
        ("no numbers", b"name,city\nAda,Leeds\nBob,York\n", "no_number_column", {"columns": ["column 1", "column 2"]}),
        ("an open quote", b'phone,name\n07400123456,Ada\n07400123454,"Bob\n', "quote_unclosed", {"row": 3}),
    ],
)
def test_hostile_files_are_refused_with_a_reason_and_nothing_of_them_is_used(_case, content, code, details):
    customer = make_customer(country="GB")

    file = make_file(customer, content)

    assert (file.status, file.refusal["code"]) == (RecipientFile.Status.REFUSED, code)
    assert details.items() <= file.refusal["details"].items()
    assert file.refusal["message"]
    assert not Recipient.objects.exists()
    assert not UnusableRow.objects.exists()


def test_a_refusal_in_the_middle_takes_back_what_was_stored_before(monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 10)
    customer = make_customer(country="GB")

    file = make_file(customer, people(35) + '+447400199999,"open\n')

    assert (file.status, file.refusal["details"]["row"]) == ("refused", 37)
    assert not Recipient.objects.exists()


def test_a_file_without_a_number_column_is_read_once_somebody_says_which():
    customer = make_customer(country="GB")
    file = make_file(customer, "a,b\nfoo,12\nbar,0740012345\n07400123456,x\n")
    assert file.refusal["code"] == "no_number_column"

    with customer.scope():
        set_reading(organisation=customer, file_id=file.pk, number_column=0)
    read_file(organisation=customer, file_id=file.pk)

    file.refresh_from_db()
    assert (file.status, file.tally["valid"]) == ("read", 1)


def test_too_much_is_refused_while_it_comes_and_not_kept(settings):
    settings.UPLOAD_LIMIT_BYTES = 1000
    customer = make_customer()

    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            self.given += size
            return b"7" * size

    stream = Endless()
    with pytest.raises(FileTooLarge) as refused, customer.scope():
        upload_file(organisation=customer, name="x", stream=stream, by=make_sender(customer))

    assert refused.value.details == {"limit": 1000}
    assert stream.given < 1024 * 1024
    assert (RecipientFile.objects.count(), kept_files()) == (0, [])


def test_an_empty_file_is_refused_and_not_kept():
    customer = make_customer()

    with pytest.raises(FileEmpty):
        upload(customer, b"")

    assert (RecipientFile.objects.count(), kept_files()) == (0, [])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\vip.csv", "vip.csv"),
        ("li\x00st\u202e.csv", "list.csv"),
        ("", "Recipients"),
        ("x" * 400, "x" * 255),
    ],
)
def test_the_uploaders_name_is_only_ever_shown(name, shown):
    file = upload(make_customer(), people(1), name=name)

    assert file.name == shown
    assert file.path.startswith(f"recipients/{file.organisation_id}/")
    assert shown not in file.path


def test_anothers_file_is_not_found():
    file = make_file(make_customer(), people(1))
    other = make_customer()

    with pytest.raises(NotFound), other.scope():
        file_of(other, file.pk)
    with pytest.raises(NotFound), other.scope():
        set_reading(organisation=other, file_id=file.pk, default_region="US")
