"""Recipient files as honest people make them."""

import codecs
import json
from pathlib import Path

import pytest

from messaging.campaigns.rules.files import (
    FileRefused,
    Row,
    Tally,
    guess_columns,
    read_rows,
    sniff,
)
from messaging.campaigns.rules.tally import DUPLICATE, UNUSABLE

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "docs" / "samples"
#: A larger list of the same making, where somebody has put it beside the project.
LARGE_SAMPLES = ROOT.parent / "shared" / "data" / "recipients"
DRESSES = ["recipients-utf8-bom.csv", "recipients-gb18030.csv", "recipients-utf16-tab.txt", "recipients.xlsx"]


def make_file(tmp_path: Path, content: str | bytes, *, encoding: str = "utf-8", name: str = "list.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def read(path: Path, *, region: str = "CN", **choices):
    shape = sniff(path, path.name, **choices)
    tally = Tally(guess_columns(shape.header, shape.sample, region), default_region=region)
    return shape, list(tally.read(read_rows(path, shape))), tally.summary()


def assert_summary_is(folder: Path, dress: str) -> None:
    expected = json.loads((folder / "expected.json").read_text())

    _, _, summary = read(folder / dress, region=expected["default_region"])

    counted = {"rows", "valid", "unusable", "duplicates", "blank", "by_country"}
    assert {name: getattr(summary, name) for name in counted} == {name: expected[name] for name in counted}


@pytest.mark.parametrize("dress", DRESSES)
def test_the_same_list_in_every_dress_gives_the_same_answer(dress):
    assert_summary_is(SAMPLES, dress)


@pytest.mark.parametrize("dress", DRESSES)
def test_a_list_of_twenty_thousand_gives_the_expected_answer(dress):
    if not LARGE_SAMPLES.is_dir():
        pytest.skip("the list of 20,000 rows is not beside the project")
    assert_summary_is(LARGE_SAMPLES, dress)


def test_every_dress_has_the_same_rows():
    first, *others = (list(read_rows(SAMPLES / dress, sniff(SAMPLES / dress))) for dress in DRESSES)

    def without_blanks(rows):
        return [(row.number, row.cells) for row in rows if not row.is_blank]

    assert all(without_blanks(rows) == without_blanks(first) for rows in others)


@pytest.mark.parametrize(
    ("_case", "encoding", "bom", "found"),
    [
        ("utf-8", "utf-8", b"", "utf-8"),
        ("utf-8 bom", "utf-8", codecs.BOM_UTF8, "utf-8-sig"),
        ("utf-16 le bom", "utf-16-le", codecs.BOM_UTF16_LE, "utf-16"),
        ("utf-16 be bom", "utf-16-be", codecs.BOM_UTF16_BE, "utf-16"),
        ("utf-16 le", "utf-16-le", b"", "utf-16-le"),
        ("utf-16 be", "utf-16-be", b"", "utf-16-be"),
        ("gb18030", "gb18030", b"", "gb18030"),
        ("gbk", "gbk", b"", "gb18030"),
    ],
)
def test_chinese_encodings_are_found(tmp_path, _case, encoding, bom, found):
    text = "姓名,手机号,城市\r\n王小红,13812345678,北京\r\n欧阳娜娜,13912345678,Zürich\r\n"

    shape, verdicts, _ = read(make_file(tmp_path, bom + text.encode(encoding)))

    assert shape.encoding == found
    assert verdicts[1].values == {"姓名": "欧阳娜娜", "城市": "Zürich"}


def test_traditional_chinese_in_big5_is_found(tmp_path):
    text = "姓名,手機,城市\n陳小華,0912345678,臺北市\n黃淑芬,0922345678,高雄市\n林志明,0932345678,臺中市\n"

    shape, verdicts, _ = read(make_file(tmp_path, text, encoding="big5"), region="TW")

    assert shape.encoding == "big5"
    assert verdicts[0].values == {"姓名": "陳小華", "城市": "臺北市"}


def test_western_letters_in_windows_1252_are_found(tmp_path):
    text = "Name;Handy;Stadt\nJürgen Groß;+4915123456789;München\nZoë Müller;+4915223456789;Köln\n"

    shape, verdicts, _ = read(make_file(tmp_path, text, encoding="cp1252"), region="DE")

    assert (shape.encoding, shape.delimiter) == ("cp1252", ";")
    assert verdicts[0].values == {"Name": "Jürgen Groß", "Stadt": "München"}


def test_the_first_letter_above_ascii_may_come_late(tmp_path):
    rows = "".join(f"x,138{number:08d}\n" for number in range(100_000))

    shape = sniff(make_file(tmp_path, "name,phone\n" + rows + "王小红,13912345678\n", encoding="gb18030"))

    assert shape.encoding == "gb18030"


def test_a_person_may_overrule_encoding_and_delimiter(tmp_path):
    path = make_file(tmp_path, "name,phone\nJosé|x,13812345678\n", encoding="cp1252")

    shape = sniff(path, encoding="cp1252", delimiter="|")

    assert shape.header == ("name,phone", "column 2")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(tmp_path, delimiter):
    lines = [["name", "phone", "note"], ["Li, Hua", "13812345678", "a|b;c"], ["Bo", "13912345678", ""]]
    text = "".join(delimiter.join(f'"{cell}"' for cell in line) + "\n" for line in lines)

    shape, verdicts, _ = read(make_file(tmp_path, text))

    assert shape.delimiter == delimiter
    assert verdicts[0].values == {"name": "Li, Hua", "note": "a|b;c"}


def test_the_separator_line_of_excel_is_obeyed(tmp_path):
    shape, verdicts, _ = read(make_file(tmp_path, "sep=;\nname;phone\nLi;13812345678\n"))

    assert (shape.delimiter, shape.header, verdicts[0].row) == (";", ("name", "phone"), 3)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_one_number_a_line_needs_no_header(tmp_path, line_break):
    text = line_break.join(["13812345678", "+86 139 1234 5678", "", "138-1234-5678", ""])

    shape, verdicts, summary = read(make_file(tmp_path, text, name="list.txt"))

    assert (shape.kind, shape.has_header, shape.header) == ("txt", False, ("column 1",))
    assert [(verdict.row, verdict.status) for verdict in verdicts] == [
        (1, "valid"),
        (2, "valid"),
        (3, "blank"),
        (4, "duplicate"),
    ]
    assert verdicts[3].first_row == 1
    assert summary.rows == 4


def test_a_last_line_without_line_break_counts(tmp_path):
    _, _, summary = read(make_file(tmp_path, "phone\n13812345678\n13912345678"))

    assert summary.valid == 2


def test_cells_over_several_lines_keep_the_rows_numbers(tmp_path):
    _, verdicts, _ = read(make_file(tmp_path, 'phone,note\n13812345678,"one\ntwo"\n12,x\n'))

    assert [(verdict.row, verdict.status) for verdict in verdicts] == [(2, "valid"), (3, "unusable")]
    assert verdicts[0].values == {"note": "one\ntwo"}


def test_a_row_with_other_cells_but_no_number_is_unusable_and_not_blank(tmp_path):
    _, verdicts, summary = read(make_file(tmp_path, "name,phone\nLi,\n,\n \u00a0,\u200b\nBo,13812345678\n"))

    assert [verdict.status for verdict in verdicts] == ["unusable", "blank", "unusable", "valid"]
    assert verdicts[0].reason == "empty"
    assert (summary.rows, summary.blank) == (4, 1)


def test_leading_zeros_of_other_columns_are_kept(tmp_path):
    _, verdicts, _ = read(make_file(tmp_path, "phone,order\n13812345678,0099195379\n"))

    assert verdicts[0].values == {"order": "0099195379"}


@pytest.mark.parametrize(
    ("_case", "header", "row", "column"),
    [
        ("mobile before phone", ("电话", "手机号码"), ("021-65551234", "13812345678"), 1),
        ("order number is not a phone", ("order number", "recipient"), ("13812345678", "13912345678"), 1),
        ("words with underscores", ("user_id", "phone_number"), ("1", "13812345678"), 1),
        ("content alone", ("a", "b"), ("Li", "13812345678"), 1),
        ("header alone", ("Name", "MSISDN"), ("Li", "unknown"), 1),
        ("german", ("Name", "Handy"), ("Li", "+4915123456789"), 1),
    ],
)
def test_the_number_column_is_found(_case, header, row, column):
    assert guess_columns(header, [Row(2, row)], "CN").number_column == column


def test_a_file_without_any_number_says_so_and_shows_its_columns(tmp_path):
    with pytest.raises(FileRefused) as refused:
        read(make_file(tmp_path, "name,city\nLi,Beijing\n"))

    assert refused.value.code == "no_number_column"
    assert refused.value.details["columns"] == ["column 1", "column 2"]


def test_columns_of_the_same_name_stay_apart(tmp_path):
    shape, verdicts, _ = read(make_file(tmp_path, "phone,city,city,,city\n13812345678,a,b,c,d\n"))

    assert shape.header == ("phone", "city", "city (2)", "column 4", "city (3)")
    assert verdicts[0].values == {"city": "a", "city (2)": "b", "column 4": "c", "city (3)": "d"}


def test_rows_shorter_and_longer_than_the_header_are_read(tmp_path):
    _, verdicts, _ = read(make_file(tmp_path, "phone,name\n13812345678\n13912345678,Li,more\n"))

    assert [verdict.values.get("name") for verdict in verdicts] == ["", "Li"]


def test_what_is_not_used_is_kept_as_typed_with_why(tmp_path):
    text = "name,phone\nA,13812345678\nB,021-65551234\nC,+86 138 1234 5678\nD,\n,\n"

    _, verdicts, _ = read(make_file(tmp_path, text))

    unused = [verdict for verdict in verdicts if verdict.status in (UNUSABLE, DUPLICATE)]
    assert [(verdict.row, verdict.typed, verdict.reason or verdict.first_row) for verdict in unused] == [
        (3, "021-65551234", "not_mobile"),
        (4, "+86 138 1234 5678", 2),
        (5, "", "empty"),
    ]
