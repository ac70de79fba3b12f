"""Forms made from what each channel type says it must be told."""

import typing
from dataclasses import MISSING, Field, fields
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from billing.pricing.models import Category

from .models import DEFAULT_WINDOW, TYPE_NAMES, Channel, Route
from .runtime import DEFAULT_SOURCE
from .types.base import CHANNEL_TYPES, channel_type, known_types

LABELS = {
    "host": _("Host"),
    "port": _("Port"),
    "system_id": _("System id"),
    "password": _("Password"),
    "system_type": _("System type"),
    "bind": _("Bind as"),
    "binds": _("Binds of each worker process"),
    "tls": _("Encrypt with TLS"),
    "tls_ca_file": _("Trusted authorities, a PEM file on the workers"),
    "tls_any_certificate": _("Accept any certificate, for tests only"),
    "enquire_link_seconds": _("Seconds between enquire links"),
    "response_timeout_seconds": _("Seconds to wait for an answer"),
    "queue_seconds": _("Seconds to wait for a place in the window"),
    "reconnect_seconds": _("Seconds before binding again"),
    "long_messages": _("Long messages"),
    "gsm7": _("GSM 7-bit texts"),
    "latin1": _("Send as Latin-1 where every character fits"),
    "data_coding_gsm7": _("Data coding of GSM 7-bit"),
    "data_coding_latin1": _("Data coding of Latin-1"),
    "data_coding_ucs2": _("Data coding of Unicode"),
    "source_ton": _("Type of number of the source"),
    "source_npi": _("Numbering plan of the source"),
    "destination_ton": _("Type of number of the destination"),
    "destination_npi": _("Numbering plan of the destination"),
    "validity": _("Validity period"),
    "receipt_ids": _("Ids in answers and receipts"),
    "receipt_format": _("What to read of a receipt"),
    "query_after_minutes": _("Minutes without a receipt before asking the carrier"),
}
CHOICE_LABELS = {
    "transceiver": _("transceiver"),
    "transmitter": _("transmitter only"),
    "receiver": _("receiver only"),
    "pair": _("transmitter and receiver"),
    "udh8": _("parts, 8-bit reference in the header"),
    "udh16": _("parts, 16-bit reference in the header"),
    "sar": _("parts, SAR parameters"),
    "payload": _("one submit, message_payload"),
    "unpacked": _("an octet a character"),
    "packed": _("packed, eight in seven octets"),
    "relative": _("relative"),
    "absolute": _("absolute, in UTC"),
    "none": _("not told"),
    "as_is": _("alike"),
    "hex_to_decimal": _("hexadecimal in answers, decimal in receipts"),
    "decimal_to_hex": _("decimal in answers, hexadecimal in receipts"),
    "auto": _("parameters, else its text"),
    "parameters": _("parameters only"),
    "text": _("its text only"),
}
HELP = {
    "query_after_minutes": _("Empty: never. Only where the carrier answers query_sm."),
    "data_coding_gsm7": _("Empty: 0."),
    "data_coding_latin1": _("Empty: 3."),
    "data_coding_ucs2": _("Empty: 8."),
    "source_ton": _("Empty: by the sender."),
    "source_npi": _("Empty: by the sender."),
    "destination_ton": _("Empty: 1, international."),
    "destination_npi": _("Empty: 1, ISDN."),
}
#: The least and the most of a number, as the types have it: said here so that a browser and a person's language tell.
LIMITS = {
    "port": (1, 65_535),
    "binds": (1, 32),
    "enquire_link_seconds": (0.05, 3_600),
    "response_timeout_seconds": (0.05, 600),
    "queue_seconds": (0, 600),
    "reconnect_seconds": (0.01, 60),
    "query_after_minutes": (1, 10_080),
    **dict.fromkeys(("data_coding_gsm7", "data_coding_latin1", "data_coding_ucs2"), (0, 255)),
    **dict.fromkeys(("source_ton", "source_npi", "destination_ton", "destination_npi"), (0, 18)),
}
#: The most characters of a word, by the protocol.
LENGTHS = {"system_id": 15, "password": 8, "system_type": 12}
MOST_CHARACTERS = 253
ASCII_ONLY = RegexValidator(r"^[ -~]*$", _("ASCII characters only."))
#: Settings most carriers never need, by what they are about.
ADVANCED = (
    (_("Timing"), ("enquire_link_seconds", "response_timeout_seconds", "queue_seconds", "reconnect_seconds")),
    (
        _("Texts"),
        ("long_messages", "gsm7", "latin1", "data_coding_gsm7", "data_coding_latin1", "data_coding_ucs2", "validity"),
    ),
    (_("Addresses"), ("source_ton", "source_npi", "destination_ton", "destination_npi")),
    (_("Receipts"), ("receipt_ids", "receipt_format", "query_after_minutes")),
    (_("Certificates"), ("tls_ca_file", "tls_any_certificate")),
)
#: Kept in columns of their own.
COLUMNS = ("window", "rate_per_second")


def type_choices() -> list[tuple[str, str]]:
    return [(code, TYPE_NAMES.get(code, code)) for code in sorted(known_types(CHANNEL_TYPES))]


class ChannelForm(forms.Form):
    """Name, limits and the type's own settings.  A secret is never shown; left empty it stays as it is."""

    name = forms.CharField(label=_("Name"), max_length=80)

    def __init__(self, *args, type: str, channel: Channel | None = None, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.channel = channel
        self.own = [field for field in fields(channel_type(type).config_class) if field.name not in COLUMNS]
        for field in self.own:
            self.fields[field.name] = form_field(field, is_new=channel is None)
        if any(field.name == "system_id" for field in self.own):
            self.fields["source_address"] = forms.CharField(
                label=_("Source beside a signature"), max_length=20, required=False, initial=DEFAULT_SOURCE,
                validators=[RegexValidator(r"^[A-Za-z0-9]*$", _("Letters and digits only."))],
            )  # fmt: skip
        self.fields["window"] = forms.IntegerField(
            label=_("Messages in flight at once, on each bind"), min_value=1, max_value=5_000, initial=DEFAULT_WINDOW
        )
        self.fields["rate_per_second"] = forms.IntegerField(
            label=_("Segments a second at most"), min_value=1, max_value=100_000, required=False,
            help_text=_("Empty: as many as the carrier takes."),
        )  # fmt: skip
        if channel is not None:
            self.initial = {**stored(channel), **self.initial}

    @property
    def usual(self) -> list[forms.BoundField]:
        """The fields every carrier's manual names."""
        hidden = {name for _title, names in ADVANCED for name in names}
        return [self[name] for name in self.fields if name not in hidden]

    @property
    def advanced(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """The others that this type has, by what they are about."""
        groups = [(title, [self[name] for name in names if name in self.fields]) for title, names in ADVANCED]
        return [(title, fields) for title, fields in groups if fields]

    @property
    def is_advanced_wrong(self) -> bool:
        return any(field.errors for _title, fields in self.advanced for field in fields)

    @property
    def config(self) -> dict[str, Any]:
        """The type's settings as its config class takes them."""
        names = [field.name for field in self.own] + ["source_address"] * ("source_address" in self.fields)
        given = {name: self.cleaned_data.get(name) for name in names}
        return {name: value for name, value in given.items() if value not in (None, "")}

    def blame(self, problems: dict[str, Any]) -> None:
        """Show what the type refused beside each of its settings."""
        for name, problem in problems.items():
            self.add_error(name if name in self.fields else None, str(problem))


def stored(channel: Channel) -> dict[str, Any]:
    return {
        **channel.config,
        "name": channel.name,
        "window": channel.window,
        "rate_per_second": channel.rate_per_second,
    }


def form_field(field: Field, *, is_new: bool) -> forms.Field:
    """The form field for one setting of a type, by its Python type."""
    label = LABELS.get(field.name, field.name.replace("_", " ").capitalize())
    default = None if field.default is MISSING else field.default
    is_needed = field.default is MISSING
    low, high = LIMITS.get(field.name, (None, None))
    words = {"max_length": LENGTHS.get(field.name, MOST_CHARACTERS), "validators": [ASCII_ONLY]}
    if field.metadata.get("secret"):
        return forms.CharField(
            label=label, required=is_new, strip=False, **words, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            help_text="" if is_new else _("Never shown. Leave it empty to keep it."),
        )  # fmt: skip
    hint = typing.get_args(field.type) or (field.type,)
    if values := field.metadata.get("choices"):
        choices = [(value, CHOICE_LABELS.get(value, value)) for value in values]
        return forms.ChoiceField(label=label, choices=choices, initial=default)
    if "bool" in str(hint):
        widget = forms.CheckboxInput(attrs={"class": "switch", "role": "switch"})
        return forms.BooleanField(label=label, required=False, initial=default, widget=widget)
    if "float" in str(hint):
        return forms.FloatField(label=label, required=is_needed, initial=default, min_value=low, max_value=high)
    if "int" in str(hint):
        return forms.IntegerField(
            label=label, required=is_needed, initial=default, min_value=low, max_value=high,
            help_text=HELP.get(field.name, ""),
        )  # fmt: skip
    return forms.CharField(label=label, required=is_needed, initial=default, **words)


class RouteForm(forms.ModelForm):
    """One line of the choice among channels."""

    class Meta:
        model = Route
        fields = ("country", "category", "priority", "is_test")
        labels = {  # noqa: RUF012
            "country": _("Country code"),
            "category": _("Type"),
            "priority": _("Priority"),
            "is_test": _("For test keys"),
        }
        help_texts = {  # noqa: RUF012
            "country": _("Two letters, such as CN; empty for any."),
            "priority": _("The lowest goes first."),
            "is_test": "",
        }

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].validators.append(RegexValidator(r"^[A-Za-z]{2}$", _("Two letters, such as CN.")))
        self.fields["category"].choices = [("", _("Any type")), *Category.choices]

    def clean_country(self) -> str:
        return self.cleaned_data["country"].upper()


class TestForm(forms.Form):
    """To whom a test of the channel goes."""

    recipient = forms.CharField(label=_("Number"), max_length=40, widget=forms.TextInput(attrs={"inputmode": "tel"}))
