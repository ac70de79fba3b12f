"""The forms of this room.  They check shape; actions decide."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation
from billing.pricing.models import Category
from kit.errors import DomainError

from .models import SenderId
from .queries import approved_senders_of
from .rules.variables import MOST_VARIABLES

VARIABLE_TYPES = {
    "text": pgettext_lazy("variable", "Text"),
    "number": pgettext_lazy("variable", "Number"),
    "code": pgettext_lazy("variable", "Code"),
    "date": _("Date or time"),
    "amount": _("Amount"),
    "link": _("Link"),
}


class TemplateForm(forms.Form):
    """A template's draft.  Its variables come beside it: see `rows_from`."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("Only your team sees it."))
    category = forms.ChoiceField(label=_("Type"), choices=Category, initial=Category.NOTICE)
    body = forms.CharField(label=_("Text"), strip=False, widget=forms.Textarea(attrs={"rows": 5, "class": "txt"}))
    sender = forms.ModelChoiceField(
        label=_("Count with sender"), queryset=SenderId.objects.none(), required=False, empty_label=_("No sender"),
        help_text=_("A signature stands before the text and counts. The template can be sent with any sender."),
    )  # fmt: skip
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args, organisation: Organisation, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sender"].queryset = approved_senders_of(organisation)
        self.variable_problems: dict[str, list[str]] = {}

    def take(self, refusal: DomainError) -> None:
        """Show a refusal where it belongs: at its field, at its variable, or above the form."""
        self.variable_problems = {}
        for row in refusal.details.get("variables", ()):
            self.variable_problems.setdefault(row["variable"], []).append(row["message"])
        take(self, refusal)


class SenderForm(forms.Form):
    """A new sender."""

    kind = forms.ChoiceField(
        label=_("Kind"), choices=SenderId.Kind, widget=forms.RadioSelect, initial=SenderId.Kind.SIGNATURE
    )
    name = forms.CharField(
        label=_("Name"), max_length=40,
        help_text=_("Signature: 2 to 12 characters. Name: up to 11 letters and digits. Number: 3 to 15 digits."),
    )  # fmt: skip
    purpose = forms.CharField(
        label=_("What it is used for"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Say whose name it is and what you send. It shortens the review."),
    )  # fmt: skip


class PurposeForm(forms.Form):
    """What a draft or rejected sender is used for."""

    purpose = SenderForm.base_fields["purpose"]


def take(form: forms.Form, refusal: DomainError) -> None:
    """Put a refusal at the fields it names, or above the form."""
    fields: Mapping[str, Any] = refusal.details.get("fields", {})
    for field, problem in fields.items():
        form.add_error(field if field in form.fields else None, str(problem))
    if not fields:
        form.add_error(None, str(refusal))


def rows_from(data: QueryDict) -> list[dict[str, Any]]:
    """The described variables of a posted editor, as they were typed; a longest length that is no number stays text."""
    columns = (data.getlist(f"var_{name}")[: MOST_VARIABLES + 1] for name in ("name", "type", "example", "max_length"))
    return [
        {"name": name, "type": type, "example": example, "max_length": _number(limit)}
        for name, type, example, limit in zip(*columns, strict=False)
    ]


def _number(typed: str) -> int | str:
    typed = typed.strip()
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else typed
