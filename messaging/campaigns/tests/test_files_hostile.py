"""Recipient files as nobody's friend makes them: each is refused by a code, quickly, in little memory."""

import os
import struct
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from messaging.campaigns.rules.files import FileRefused, Limits, Tally, guess_columns, read_rows, sniff
from messaging.campaigns.rules.tally import SeenNumbers

REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
SHEET_START, SHEET_END = "<worksheet><sheetData>", "</sheetData></worksheet>"


def make_file(tmp_path: Path, content: bytes | str, name: str = "list.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def make_package(tmp_path: Path, *, sheet: str | bytes = "", strings: str | None = None, **more: str | bytes) -> Path:
    """A workbook written by hand, so that every part of it can lie."""
    path = tmp_path / "list.xlsx"
    parts = {
        "_rels/.rels": f'<r xmlns="{PACKAGE}"><Relationship Type="{REL}/officeDocument" Target="xl/workbook.xml"/></r>',
        "xl/_rels/workbook.xml.rels": f'<r xmlns="{PACKAGE}"><Relationship Id="s" Target="worksheets/s.xml"/></r>',
        "xl/workbook.xml": f'<workbook xmlns:r="{REL}"><sheets><sheet name="S" r:id="s"/></sheets></workbook>',
        "xl/worksheets/s.xml": sheet or f"{SHEET_START}<row><c><v>13812345678</v></c></row>{SHEET_END}",
        **({"xl/sharedStrings.xml": strings} if strings is not None else {}),
        **{name.replace("__", "/"): part for name, part in more.items()},
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return path


def read_whole(path: Path, *, limits: Limits | None = None, **choices) -> int:
    limits = limits or Limits()
    shape = sniff(path, path.name, limits=limits, **choices)
    tally = Tally(guess_columns(shape.header, shape.sample, "CN"), default_region="CN")
    return sum(1 for _ in tally.read(read_rows(path, shape, limits=limits)))


def refusal(path: Path, **choices) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        read_whole(path, **choices)
    assert str(refused.value)
    return refused.value


def memory_used() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("_case", "content", "code"),
    [
        ("empty", b"", "file_empty"),
        ("only a mark", b"\xef\xbb\xbf", "file_empty"),
        ("only a utf-16 mark", b"\xff\xfe", "file_empty"),
        ("only blanks", b"\r\n \r\n\t\n", "file_empty"),
        ("only delimiters", b",,,\n,,,\n", "file_empty"),
        ("png", b"\x89PNG\r\n\x1a\n" + os.urandom(100), "file_is_binary"),
        ("pdf", b"%PDF-1.7\n%\xe2\xe3", "file_is_binary"),
        ("exe", b"MZ\x90\x00\x03" + os.urandom(100), "file_is_binary"),
        ("gzip", b"\x1f\x8b\x08" + os.urandom(100), "file_is_binary"),
        ("old xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "file_is_binary"),
        ("NUL in a cell", b"phone\n138\x0012345678\n", "file_is_binary"),
        ("NULs late", b"phone\n" + b"13812345678\n" * 10_000 + b"\0", "file_is_binary"),
        ("control characters", b"phone\n" + b"\x01\x02\x03\x04" * 50, "file_is_binary"),
        ("utf-32", "phone\n13812345678".encode("utf-32"), "encoding_unknown"),
        ("web page", b"\n <!DOCTYPE html><table><tr><td>13812345678</td></tr></table>", "html_pretending"),
        ("xml sheet", b'<?xml version="1.0"?><Workbook></Workbook>', "html_pretending"),
        ("quote never closed", b'phone,name\n13812345678,"Li\n' + b"13912345678,Bo\n" * 20, "quote_unclosed"),
        ("quote never closed, long", b'phone,name\n13812345678,"Li\n' + b"13912345678,Bo\n" * 50_000, "quote_unclosed"),
        ("flaw in utf-8", b"phone\n" + "王小红\n".encode() * 30 + b"\xff\n", "bad_bytes"),
        ("odd utf-16", "phone\n13812345678\n".encode("utf-16") + b"\x31", "bad_bytes"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path, _case, content, code):
    assert refusal(make_file(tmp_path, content)).code == code


def test_a_web_page_called_xlsx_is_refused(tmp_path):
    assert refusal(make_file(tmp_path, "<html><body>13812345678", "list.xlsx")).code == "html_pretending"


def test_noise_is_refused(tmp_path):
    noise = bytes(byte for byte in os.urandom(200_000) if byte)

    assert refusal(make_file(tmp_path, noise)).code in {"file_is_binary", "encoding_unknown", "bad_bytes"}


def test_bad_bytes_name_their_row(tmp_path):
    good = "phone,name\n" + "13812345678,王小红\n" * 5000

    refused = refusal(make_file(tmp_path, good.encode() + b"13912345678,\xe7\x8e\n"))

    assert (refused.code, refused.details) == ("bad_bytes", {"row": 5002, "encoding": "utf-8"})


def test_a_wrong_choice_of_encoding_is_refused(tmp_path):
    path = make_file(tmp_path, "phone,name\n13812345678,王小红\n")

    assert refusal(path, encoding="utf-16").code in {"bad_bytes", "no_number_column"}
    assert refusal(path, encoding="rot13").code == "encoding_unknown"


def test_a_hundred_megabytes_are_refused_by_their_size(tmp_path):
    path = tmp_path / "list.csv"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    started = time.perf_counter()

    assert refusal(path).code == "file_too_large"
    assert time.perf_counter() - started < 0.5


def test_one_endless_line_is_refused_without_holding_it(tmp_path):
    path = make_file(tmp_path, b"1" * (40 * 1024 * 1024))
    before = memory_used()

    refused = refusal(path)

    assert (refused.code, refused.details["row"]) == ("line_too_long", 1)
    assert memory_used() - before < 30 * 1024 * 1024


def test_a_long_line_late_is_refused_by_its_row(tmp_path):
    path = make_file(tmp_path, "phone\n13812345678\n" + "x" * 200 + "\n")

    assert refusal(path, limits=Limits(line_characters=100)).details == {"row": 3, "limit": 100}


@pytest.mark.parametrize("columns", [201, 10_000, 16_384])
def test_more_columns_than_anybody_maps_are_refused(tmp_path, columns):
    names = ",".join("c" * columns)

    assert refusal(make_file(tmp_path, names + "\n13812345678\n")).code == "too_many_columns"


def test_too_many_rows_are_refused(tmp_path):
    text = make_file(tmp_path, "phone\n" + "13812345678\n" * 11)
    book = make_package(tmp_path, sheet=f"{SHEET_START}{'<row><c><v>13812345678</v></c></row>' * 11}{SHEET_END}")

    assert refusal(text, limits=Limits(rows=10)).code == "too_many_rows"
    assert refusal(book, limits=Limits(rows=10)).code == "too_many_rows"
    assert read_whole(text, limits=Limits(rows=11)) == read_whole(book, limits=Limits(rows=11)) == 11


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "a\0b", "x" * 4096, "list.xlsx", "喂.exe"])
def test_the_uploaders_file_name_decides_nothing(tmp_path, name):
    path = make_file(tmp_path, "phone\n13812345678\n")

    assert sniff(path, name) == sniff(path, "list.csv")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = make_package(tmp_path, sheet=SHEET_START.encode() + b"<row/>" * 10_000_000 + SHEET_END.encode())
    assert path.stat().st_size < 200_000
    before, started = memory_used(), time.perf_counter()

    assert refusal(path).code == "workbook_too_large"
    assert time.perf_counter() - started < 0.5
    assert memory_used() - before < 10 * 1024 * 1024


def test_a_zip_that_lies_about_its_sizes_is_refused(tmp_path):
    path = make_package(tmp_path, sheet=SHEET_START + "<row/>" * 1_000_000 + SHEET_END)
    archive = bytearray(path.read_bytes())
    real = struct.pack("<L", len(SHEET_START + SHEET_END) + 6_000_000)
    assert archive.count(real) == 2
    path.write_bytes(archive.replace(real, struct.pack("<L", 1000)))

    assert refusal(path).code == "workbook_broken"


def test_an_archive_of_too_many_members_is_refused(tmp_path):
    path = make_package(tmp_path, **{f"xl__x{number}.xml": "" for number in range(2001)})

    assert refusal(path).code == "workbook_too_large"


def test_an_archive_with_an_endless_directory_is_refused_before_it_is_listed(tmp_path):
    path = tmp_path / "list.xlsx"
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry) * 300_000, 4, 0)
    path.write_bytes(b"PK\3\4" + entry * 300_000 + end)
    before, started = memory_used(), time.perf_counter()

    assert refusal(path).code == "workbook_too_large"
    assert time.perf_counter() - started < 0.5
    assert memory_used() - before < 10 * 1024 * 1024


def test_compressions_that_excel_does_not_know_are_refused(tmp_path):
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")

    assert refusal(path).code == "workbook_broken"


def test_a_workbook_of_five_hundred_sheets_is_read(tmp_path):
    names = range(500)
    sheets = "".join(f'<sheet name="S{name}" r:id="s"/>' for name in names)
    book = f'<workbook xmlns:r="{REL}"><sheets>{sheets}</sheets></workbook>'

    path = make_package(tmp_path, **{"xl__workbook.xml": book})

    assert len(sniff(path).sheets) == 500
    assert read_whole(path) == 1


def test_two_cells_far_apart_cost_nothing(tmp_path):
    far = '<row r="1"><c r="A1"><v>13812345678</v></c></row><row r="1000000"><c r="GR1000000"><v>1</v></c></row>'
    before = memory_used()

    assert read_whole(make_package(tmp_path, sheet=SHEET_START + far + SHEET_END)) == 1_000_000
    assert memory_used() - before < 20 * 1024 * 1024


def test_a_cell_in_the_last_column_is_refused(tmp_path):
    sheet = f'{SHEET_START}<row r="1"><c r="XFD1"><v>13812345678</v></c></row>{SHEET_END}'

    assert refusal(make_package(tmp_path, sheet=sheet)).code == "too_many_columns"


@pytest.mark.parametrize(
    ("_case", "start"),
    [
        ("outside file", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
        ("outside dtd", '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'),
        ("billion laughs", '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY e "&a;&a;&a;&a;&a;&a;&a;&a;">]>'),
    ],
)
def test_entities_and_outside_documents_are_refused(tmp_path, _case, start):
    cell = f"{SHEET_START}<row><c t='inlineStr'><is><t>&e;</t></is></c></row>{SHEET_END}"

    in_sheet = refusal(make_package(tmp_path, sheet=start + cell))
    in_strings = refusal(make_package(tmp_path, strings=f"{start}<sst><si><t>&e;</t></si></sst>"))

    assert in_sheet.code == in_strings.code == "workbook_broken"


@pytest.mark.parametrize(
    ("_case", "row"),
    [
        ("not xml", "<row><c>"),
        ("string beyond the table", '<row><c t="s"><v>7</v></c></row>'),
        ("string before the table", '<row><c t="s"><v>-1</v></c></row>'),
        ("string that is no number", '<row><c t="s"><v>x</v></c></row>'),
        ("row of no number", '<row r="x"/>'),
        ("row out of sheet", '<row r="1048577"/>'),
        ("rows backwards", '<row r="5"/><row r="4"/>'),
        ("cells backwards", '<row><c r="B1"/><c r="A1"/></row>'),
        ("cell of no column", '<row><c r="1"/></row>'),
        ("text without end", f"<row><c t='str'><v>{'x' * 3_000_000}</v></c></row>"),
        ("tag without end", f"<row><c t='{'x' * 3_000_000}'/></row>"),
    ],
)
def test_a_sheet_that_contradicts_itself_is_refused(tmp_path, _case, row):
    assert refusal(make_package(tmp_path, sheet=SHEET_START + row + SHEET_END)).code == "workbook_broken"


def test_strange_numbers_in_a_workbook_stay_text(tmp_path):
    strange = ["1e400", "nan", "-0", "99999999999999999999", "1e-320", "１２", "1_000", "0x10"]
    cells = "".join(f"<c><v>{value}</v></c>" for value in ["13812345678", *strange])

    path = make_package(tmp_path, sheet=f"{SHEET_START}<row>{cells}</row>{SHEET_END}")

    assert sniff(path).sample[0].cells[1:4] == ("1e400", "nan", "0")


def test_escaped_characters_that_no_database_holds_are_dropped(tmp_path):
    cells = "<c><v>13812345678</v></c><c t='str'><v>a_x0000_b_xD800_c_x0009_d</v></c>"

    path = make_package(tmp_path, sheet=f"{SHEET_START}<row>{cells}</row>{SHEET_END}")

    assert sniff(path).sample[0].cells[1] == "abc\td"


def test_strange_dates_in_a_workbook_stay_numbers(tmp_path):
    styles = '<styleSheet><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    cells = "".join(f'<c s="0"><v>{value}</v></c>' for value in ["1", "60.5", "-5", "1e300", "2958465.9999999", "x"])
    sheet = f"{SHEET_START}<row><c><v>13812345678</v></c>{cells}</row>{SHEET_END}"

    path = make_package(tmp_path, sheet=sheet, **{"xl__styles.xml": styles})

    assert sniff(path).sample[0].cells[1:4] == ("1900-01-01", "1900-02-28 12:00", "-5")


def test_links_to_outside_are_never_followed(tmp_path):
    links = (
        f'<r xmlns="{PACKAGE}"><Relationship Id="s" Target="http://127.0.0.1:9/s.xml" TargetMode="External"/>'
        '<Relationship Id="t" Target="../../../../etc/passwd"/></r>'
    )

    assert refusal(make_package(tmp_path, **{"xl___rels__workbook.xml.rels": links})).code == "workbook_broken"


@pytest.mark.parametrize("member", ["word/document.xml", "xl/workbook.bin", "content.xml", "classes.dex"])
def test_other_archives_are_refused(tmp_path, member):
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "x")

    assert refusal(path).code == "file_is_binary"


@pytest.mark.parametrize("keep", [10, 0.3, 0.9])
def test_half_a_workbook_is_refused(tmp_path, keep):
    path = make_package(tmp_path, sheet=SHEET_START + "".join(f"<row r='{n}'/>" for n in range(1, 9999)) + SHEET_END)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep if keep > 1 else keep * len(whole))])

    assert refusal(path).code == "workbook_broken"


def test_a_flipped_bit_in_a_workbook_is_refused(tmp_path):
    path = make_package(tmp_path, sheet=SHEET_START + "<row><c><v>13812345678</v></c></row>" * 500 + SHEET_END)
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("xl/worksheets/s.xml")
        middle = member.header_offset + 30 + len(member.filename) + member.compress_size // 2
    damaged = bytearray(path.read_bytes())
    damaged[middle] ^= 0xFF
    path.write_bytes(damaged)

    assert refusal(path).code == "workbook_broken"


def test_a_workbook_with_a_password_says_so(tmp_path):
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000) + "EncryptedPackage".encode("utf-16-le") + bytes(100)

    assert refusal(make_file(tmp_path, ole, "list.xlsx")).code == "workbook_encrypted"


def test_shared_strings_are_bounded(tmp_path):
    strings = "<sst>" + "<si><t>x</t></si>" * 101 + "</sst>"

    assert refusal(make_package(tmp_path, strings=strings), limits=Limits(shared_strings=100)).code == (
        "workbook_too_large"
    )


def test_random_damage_never_surfaces_as_a_bug(tmp_path):
    whole = make_package(tmp_path, sheet=SHEET_START + "<row><c><v>13812345678</v></c></row>" * 50 + SHEET_END)
    original = whole.read_bytes()
    for step in range(0, len(original), 7):
        damaged = bytearray(original)
        damaged[step] = zlib.crc32(bytes([step % 256])) & 0xFF
        whole.write_bytes(damaged)
        try:
            read_whole(whole)
        except FileRefused:
            continue


def test_a_million_numbers_are_remembered_in_little_memory():
    seen = SeenNumbers()
    for row in range(1, 200_001):
        assert seen.add(8613800000000 + row * 7, row) == 0

    assert seen.add(8613800000000 + 700, 300_000) == 100
    assert seen.bytes <= 200_000 * 32
