"""Workbooks, held against calamine where both can read them."""

import datetime as dt
import zipfile

import pytest
import python_calamine
import xlsxwriter

from messaging.campaigns.rules.files import FileRefused, read_rows, sniff


def make_workbook(path, rows, *, sheet="List", options=None, formats=None):
    book = xlsxwriter.Workbook(path, options or {})
    styles = {name: book.add_format({"num_format": code}) for name, code in (formats or {}).items()}
    page = book.add_worksheet(sheet)
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            if isinstance(cell, tuple):
                page.write(row, column, cell[0], styles[cell[1]])
            elif cell is not None:
                page.write(row, column, cell)
    book.close()
    return path


def cells_of(path):
    return [row.cells for row in read_rows(path, sniff(path))]


def test_numbers_are_whole_and_texts_as_typed(tmp_path):
    path = make_workbook(
        tmp_path / "a.xlsx",
        [["phone", "order", "amount"], [13812345678, "0099195379", 1675.6], [8613812345678.0, "1e5", 0.125]],
        options={"strings_to_numbers": False},
    )

    assert cells_of(path) == [
        ("13812345678", "0099195379", "1675.6"),
        ("8613812345678", "1e5", "0.125"),
    ]


def test_dates_are_iso(tmp_path):
    formats = {
        "day": "yyyy-mm-dd",
        "chinese": 'yyyy"年"m"月"d"日"',
        "moment": "d/m/yy h:mm",
        "clock": "hh:mm",
        "red": "[Red]0",
    }
    moment = dt.datetime(2026, 3, 1, 9, 30)  # noqa: DTZ001
    row = ["13812345678", (46082, "day"), (46082, "chinese"), (moment, "moment"), (0.5, "clock"), (7, "red")]
    path = make_workbook(tmp_path / "a.xlsx", [["phone", "a", "b", "c", "d", "e"], row], formats=formats)

    assert cells_of(path)[0][1:] == ("2026-03-01", "2026-03-01", "2026-03-01 09:30", "12:00", "7")


def test_dates_counted_from_1904_are_the_same_days(tmp_path):
    moment = dt.datetime(2026, 3, 1)  # noqa: DTZ001
    rows = [["phone", "day"], ["13812345678", (moment, "day")]]
    path = make_workbook(tmp_path / "a.xlsx", rows, formats={"day": "yyyy-mm-dd"}, options={"date_1904": True})

    assert cells_of(path)[0][1] == "2026-03-01"


def test_gaps_between_rows_and_cells_are_blanks(tmp_path):
    rows = [["phone", "a", "b"], [], ["13812345678", None, "x"], [], [None, "y"], []]

    path = make_workbook(tmp_path / "a.xlsx", rows)

    shape = sniff(path)
    read = [(row.number, row.cells) for row in read_rows(path, shape)]
    assert read == [(2, ()), (3, ("13812345678", "", "x")), (4, ()), (5, ("", "y"))]


def test_texts_in_the_cell_and_in_the_table_read_the_same(tmp_path):
    rows = [["phone", "name"], ["13812345678", "王小红"], ["13912345678", "a\nb <&> _x0041_"]]

    shared = make_workbook(tmp_path / "a.xlsx", rows)
    inline = make_workbook(tmp_path / "b.xlsx", rows, options={"constant_memory": True})

    assert cells_of(shared) == cells_of(inline) == [("13812345678", "王小红"), ("13912345678", "a\nb <&> _x0041_")]


def test_rich_text_is_one_text(tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    page = book.add_worksheet()
    page.write_row(0, 0, ["phone", "name"])
    page.write(1, 0, "13812345678")
    page.write_rich_string(1, 1, "Li ", book.add_format({"bold": True}), "Hua")
    book.close()

    assert cells_of(tmp_path / "a.xlsx") == [("13812345678", "Li Hua")]


def test_a_formula_shows_its_last_result_and_is_never_computed(tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    page = book.add_worksheet()
    page.write_row(0, 0, ["phone", "city", "paid"])
    page.write(1, 0, "13812345678")
    page.write_formula(1, 1, '="Bei"&"jing"', value="Beijing")
    page.write_boolean(1, 2, True)
    book.close()

    assert cells_of(tmp_path / "a.xlsx") == [("13812345678", "Beijing", "TRUE")]


def test_the_first_visible_sheet_is_read_unless_another_is_chosen(tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    for name, number in [("hidden", "1"), ("first", "13812345678"), ("second", "13912345678")]:
        page = book.add_worksheet(name)
        page.write(0, 0, number)
        if name == "hidden":
            page.hide()
        if name == "first":
            page.activate()
            page.set_first_sheet()
    book.close()

    shape = sniff(tmp_path / "a.xlsx")
    assert (shape.sheet, shape.sheets) == ("first", ("first", "second"))
    assert shape.sample[0].cells == ("13812345678",)
    assert sniff(tmp_path / "a.xlsx", sheet="second").sample[0].cells == ("13912345678",)
    with pytest.raises(FileRefused) as refused:
        sniff(tmp_path / "a.xlsx", sheet="hidden")
    assert refused.value.code == "sheet_missing"


def test_the_reader_agrees_with_calamine(tmp_path):
    rows = [["phone", "a", "b", "c"]]
    rows += [[13800000000 + i, f"名{i % 7}", i / 8, f"{i:05d}" if i % 3 else None] for i in range(3000)]
    path = make_workbook(tmp_path / "a.xlsx", rows)

    ours = cells_of(path)
    theirs = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()[1:]

    def text(value):
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)

    assert [(*cells, "")[:4] for cells in ours] == [tuple(map(text, cells)) for cells in theirs]


def test_xml_with_prefixes_and_absolute_targets_is_read(tmp_path):
    path = tmp_path / "a.xlsx"
    relation = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "_rels/.rels",
            f'<Relationships {relation}><Relationship Id="a" Type="{base}/officeDocument" Target="/xl/book.xml"/>'
            "</Relationships>",
        )
        archive.writestr(
            "xl/_rels/book.xml.rels",
            f'<Relationships {relation}><Relationship Id="s" Type="{base}/worksheet" Target="/xl/one.xml"/>'
            "</Relationships>",
        )
        archive.writestr(
            "xl/book.xml",
            f'<x:workbook xmlns:x="m" xmlns:r="{base}"><x:sheets><x:sheet name="S" r:id="s"/></x:sheets></x:workbook>',
        )
        archive.writestr(
            "xl/one.xml",
            '<x:worksheet xmlns:x="m"><x:sheetData><x:row><x:c><x:v>1.3812345678E10</x:v></x:c>'
            '<x:c t="inlineStr"><x:is><x:t>Li</x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>',
        )

    assert cells_of(path) == [("13812345678", "Li")]
