"""What is said when a file can't be read, or a row can't be used, in the reader's language."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

REASONS = {
    "empty": gettext_lazy("No phone number"),
    "not_a_number": gettext_lazy("Not a phone number"),
    "several_numbers": gettext_lazy("More than one number in the cell"),
    "scientific_notation": gettext_lazy("Shortened by a spreadsheet, digits may be lost"),
    "unknown_country": gettext_lazy("No country has this code"),
    "too_short": gettext_lazy("Too few digits"),
    "too_long": gettext_lazy("Too many digits"),
    "not_assigned": gettext_lazy("No operator has numbers like this"),
    "not_mobile": gettext_lazy("Landline or service number, can't receive texts"),
}

#: Title and what to do, by the code of FileRefused.  The classes are shown one at a time, the most basic first.
FILES = {
    "file_empty": (gettext_lazy("The file is empty"), gettext_lazy("Choose the file with the phone numbers.")),
    "file_too_large": (
        gettext_lazy("The file is too large"),
        gettext_lazy("Split it and send to the parts one after the other."),
    ),
    "file_is_binary": (
        gettext_lazy("This is not a list"),
        gettext_lazy(
            "Save the list as .xlsx or as .csv and upload that. Old .xls files, PDFs and pictures can't be read."
        ),
    ),
    "html_pretending": (
        gettext_lazy("This is a web page under another name"),
        gettext_lazy("Open it in your spreadsheet program, save it as .xlsx or .csv and upload that."),
    ),
    "encoding_unknown": (
        gettext_lazy("The characters of this file can't be recognised"),
        gettext_lazy("Choose the encoding below, or save the file as “CSV UTF-8” and upload that."),
    ),
    "bad_bytes": (
        gettext_lazy("Row %(row)s has characters that don't fit the rest (%(encoding)s)"),
        gettext_lazy("Choose another encoding below, or save the file as “CSV UTF-8” and upload that."),
    ),
    "line_too_long": (
        gettext_lazy("Row %(row)s has more than %(limit)s characters"),
        gettext_lazy("Check the line breaks around it."),
    ),
    "quote_unclosed": (
        gettext_lazy("A quotation mark in row %(row)s is never closed"),
        gettext_lazy("Add the missing mark, or remove the one that is there, and upload the file again."),
    ),
    "too_many_columns": (
        gettext_lazy("Row %(row)s has more than %(limit)s columns"),
        gettext_lazy("Remove columns you don't need."),
    ),
    "too_many_rows": (
        gettext_lazy("The file has more than %(limit)s rows"),
        gettext_lazy("Split it and send to the parts one after the other."),
    ),
    "no_number_column": (
        gettext_lazy("No column with phone numbers was found"),
        gettext_lazy("Say below which column it is, or check the country of the numbers."),
    ),
    "workbook_broken": (
        gettext_lazy("The workbook is damaged"),
        gettext_lazy("Open it in your spreadsheet program, save it again as .xlsx and upload that."),
    ),
    "workbook_too_large": (
        gettext_lazy("The workbook unpacks to more than can be read"),
        gettext_lazy("Save the sheet as .csv and upload that."),
    ),
    "workbook_encrypted": (
        gettext_lazy("The workbook is protected by a password"),
        gettext_lazy("Save it without one and upload it again."),
    ),
    "file_erased": (
        gettext_lazy("The numbers of this file were erased"),
        gettext_lazy("Your organisation keeps numbers for a set time (Settings). Upload the file again."),
    ),
    "sheet_missing": (gettext_lazy("The workbook has no sheet “%(sheet)s”"), gettext_lazy("Choose another sheet.")),
}


def file_refusal(refusal: Mapping[str, Any]) -> dict[str, str]:
    """Title, what to do, and the code of a refused file."""
    code = refusal.get("code", "")
    title, text = FILES.get(code, (_("The file can't be read"), refusal.get("message", "")))
    try:
        title = str(title) % refusal.get("details", {})
    except (KeyError, ValueError):
        title = _("The file can't be read")
    return {"title": title, "text": str(text), "code": code}


def row_reason(reason: str, first_row: int = 0) -> str:
    """Why a row can't be used."""
    if first_row:
        return _("The same number as in row %(row)d") % {"row": first_row}
    return str(REASONS.get(reason, reason))


def value_problem(code: str, variable: str) -> str:
    """Why a value can't be sent, without its details."""
    sentences = {
        "missing": _("“%(variable)s” is empty"),
        "too_long": _("“%(variable)s” is too long"),
        "wrong_type": _("“%(variable)s” is not of the template's type"),
        "control_character": _("“%(variable)s” has a line break or control character"),
        "sensitive_word": _("The text has a word compliance does not allow"),
    }
    sentence = sentences.get(code)
    if sentence is None:
        return _("“%(variable)s” can't be sent (%(code)s)") % {"variable": variable, "code": code}
    return sentence % {"variable": variable}
