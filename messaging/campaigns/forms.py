"""The forms of the send wizard."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.files.base import ContentFile
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from messaging.content.models import SenderId, TemplateVersion
from messaging.content.queries import approved_senders_of, approved_versions_of
from messaging.content.rules.variables import LONGEST_VALUE

from .models import Campaign, RecipientFile
from .regions import region_choices
from .wording import guess_variables

#: Enough for what people paste; longer lists are files.
LONGEST_PASTE = 2_000_000

ENCODING_CHOICES = [
    ("auto", _("Find out")),
    ("utf-8", "UTF-8"),
    ("gb18030", _("GB18030 (also GBK, GB 2312)")),
    ("big5", "Big5"),
    ("cp1252", _("Windows-1252 (Western Europe)")),
    ("utf-16", "UTF-16"),
    ("utf-16-le", "UTF-16 LE"),
    ("utf-16-be", "UTF-16 BE"),
]
DELIMITER_CHOICES = [
    (",", _("Comma")),
    (";", _("Semicolon")),
    ("tab", _("Tab")),
    ("|", _("Bar |")),
    ("line", _("None: one number a line")),
]
_DELIMITERS = {"tab": "\t", "line": ""}
HEADER_CHOICES = [("yes", _("First row has the columns' names")), ("no", _("First row is a recipient"))]


def region_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Country of numbers without a country code"),
        choices=region_choices,
        help_text=_("Numbers that begin with + or 00 keep their own."),
    )


class RecipientsForm(forms.Form):
    """A file, or numbers pasted in."""

    file = forms.FileField(label=_("File"), required=False, allow_empty_file=True, max_length=None)
    numbers = forms.CharField(
        label=_("Phone numbers, one a line"),
        required=False,
        max_length=LONGEST_PASTE,
        widget=forms.Textarea(attrs={"rows": 8, "placeholder": "+44 7400 123456\n+86 138 1234 5678"}),
    )
    default_region = region_field()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not data.get("file") and not data.get("numbers", "").strip() and not self.errors:
            raise forms.ValidationError(_("Choose a file, or paste phone numbers."))
        return data

    @property
    def stream(self):
        """What was given, as something to read bytes from."""
        return self.cleaned_data.get("file") or ContentFile(self.cleaned_data["numbers"].encode())

    @property
    def name(self) -> str:
        file = self.cleaned_data.get("file")
        return file.name if file else str(_("Pasted numbers"))


class ReadingForm(forms.Form):
    """How a file is read: what was found out, to be corrected."""

    default_region = region_field()
    number_column = forms.TypedChoiceField(
        label=_("Phone numbers are in"), coerce=int, empty_value=None, required=False
    )
    has_header = forms.ChoiceField(label=_("First row"), choices=HEADER_CHOICES)
    encoding = forms.ChoiceField(label=_("Characters"), choices=ENCODING_CHOICES)
    delimiter = forms.ChoiceField(label=_("Columns are separated by"), choices=DELIMITER_CHOICES)
    sheet = forms.ChoiceField(label=_("Sheet"))

    def __init__(self, *args, file: RecipientFile, **kwargs) -> None:
        self.file = file
        super().__init__(*args, initial=self._found(), **kwargs)
        shape = file.shape
        self.fields["number_column"].choices = list(enumerate(shape.get("header", ())))
        self.fields["sheet"].choices = [(sheet, sheet) for sheet in shape.get("sheets", ())]
        for name in self._unfit(shape):
            del self.fields[name]

    def _found(self) -> dict[str, Any]:
        shape, choices = self.file.shape, self.file.choices
        names = {text: name for name, text in _DELIMITERS.items()}
        delimiter = shape.get("delimiter", ",")
        return {
            "default_region": self.file.default_region,
            "number_column": self.file.mapping.get("number_column", choices.get("number_column")),
            "has_header": "yes" if shape.get("has_header") else "no",
            "encoding": choices.get("encoding", "auto"),
            "delimiter": names.get(delimiter, delimiter),
            "sheet": shape.get("sheet", ""),
        }

    @staticmethod
    def _unfit(shape: Mapping[str, Any]) -> Iterable[str]:
        """Questions this file does not raise."""
        if not shape:
            return ("number_column", "has_header", "delimiter", "sheet")
        if shape["kind"] == "xlsx":
            return ("encoding", "delimiter") if len(shape["sheets"]) > 1 else ("encoding", "delimiter", "sheet")
        return ("sheet",)

    def choices_made(self) -> dict[str, Any]:
        """What differs from what was found, as `set_reading` takes it."""
        data, found = self.cleaned_data, self._found()
        made = {name: data[name] for name in self.fields if name in self.data and data[name] != found[name]}
        if "has_header" in made:
            made["has_header"] = made["has_header"] == "yes"
        if "delimiter" in made:
            made["delimiter"] = _DELIMITERS.get(made["delimiter"], made["delimiter"])
        if "encoding" in made:
            made["encoding"] = made["encoding"].removeprefix("auto")
        if "number_column" in made and made["number_column"] is None:
            del made["number_column"]
        return made


class MessageForm(forms.Form):
    """Template, sender, and for each variable its column and the text for whose cell is empty."""

    name = forms.CharField(label=_("Campaign name"), max_length=120)
    version = forms.ChoiceField(label=_("Template"))
    sender = forms.ChoiceField(label=_("Sender"))

    def __init__(self, data: QueryDict | None = None, *, organisation: Organisation, campaign: Campaign) -> None:
        self.campaign = campaign
        self.versions = {str(version.pk): version for version in approved_versions_of(organisation)}
        self.senders = {str(sender.pk): sender for sender in approved_senders_of(organisation)}
        if campaign.version is not None:
            self.versions.setdefault(str(campaign.version_id), campaign.version)
        super().__init__(data.copy() if data else None, initial=self._initial())
        self.fields["version"].choices = [(id, _version_label(one)) for id, one in self.versions.items()]
        self.fields["sender"].choices = [(id, str(one)) for id, one in self.senders.items()]
        self.version: TemplateVersion | None = self.versions.get(str(self["version"].value()))
        self.sender: SenderId | None = self.senders.get(str(self["sender"].value()))
        self.variables = [row["name"] for row in (self.version.variables if self.version else ())]
        self._add_variables()

    def _initial(self) -> dict[str, Any]:
        return {
            "name": self.campaign.name,
            "version": str(self.campaign.version_id or next(iter(self.versions), "")),
            "sender": str(self.campaign.sender_id or next(iter(self.senders), "")),
        }

    def _add_variables(self) -> None:
        kept, fixed = self.campaign.variable_columns, self.campaign.fixed_values
        columns = self.campaign.file.columns
        guessed = guess_variables(tuple(self.variables), columns)
        choices = [("", _("No column: the same text for everyone")), *((column, column) for column in columns)]
        for name in self.variables:
            column = kept.get(name, "" if name in fixed else guessed.get(name, ""))
            self._add(f"column_{name}", forms.ChoiceField(choices=choices, required=False), column)
            self._add(f"fixed_{name}", forms.CharField(max_length=LONGEST_VALUE, required=False), fixed.get(name, ""))

    def _add(self, key: str, field: forms.Field, initial: str) -> None:
        """A field of a variable; a template chosen just now has brought variables the sent form did not know."""
        self.fields[key], self.initial[key] = field, initial
        if self.is_bound:
            self.data.setdefault(key, initial)

    @property
    def sender_name(self) -> str:
        return self.sender.name if self.sender else ""

    @property
    def variable_rows(self) -> list[dict[str, Any]]:
        """What the page shows for each variable."""
        return [
            {
                "name": name,
                "column": self[f"column_{name}"],
                "fixed": self[f"fixed_{name}"],
            }
            for name in self.variables
        ]

    def chosen(self, kind: str) -> dict[str, str]:
        """Variables and their `column`, or their `fixed` text, as they stand in the form."""
        values = {name: str(self[f"{kind}_{name}"].value() or "").strip() for name in self.variables}
        return {name: value for name, value in values.items() if value}

    def blame(self, problems: Mapping[str, str]) -> None:
        """Put each variable's problem where it can be mended."""
        for name, problem in problems.items():
            self.add_error(f"column_{name}" if name in self.variables else None, problem)


class ScheduleForm(forms.Form):
    """Now, or at a time in the organisation's zone."""

    when = forms.ChoiceField(
        label=_("When"),
        choices=[("now", _("As soon as I confirm")), ("later", _("At a time"))],
        widget=forms.RadioSelect,
    )
    starts_at = forms.DateTimeField(
        label=_("Date and time"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 60}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("when") == "now":
            data["starts_at"] = None
            self.errors.pop("starts_at", None)
        elif not data.get("starts_at") and "starts_at" not in self.errors:
            self.add_error("starts_at", _("Choose a date and a time."))
        return data


def _version_label(version: TemplateVersion) -> str:
    return gettext("%(name)s, version %(number)d (%(category)s)") % {
        "name": version.template.name,
        "number": version.number,
        "category": version.template.get_category_display(),
    }
