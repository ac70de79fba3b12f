"""What a reseller fills in."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorList
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.choices import countries, time_zones
from accounts.models import Organisation
from billing.pricing.actions import Asked
from billing.pricing.models import PriceBook
from kit.formatting import format_unit_price
from kit.money import CURRENCIES, money, units

from .models import CommissionRule
from .queries import PriceLine, price_lists_of
from .rules.logo import MOST_BYTES

Kind = Organisation.Kind


class AmountField(forms.DecimalField):
    """An amount in currency units; cleaned to micros."""

    def __init__(self, *, decimal_places: int = 2, **kwargs) -> None:
        super().__init__(max_digits=14, decimal_places=decimal_places, **kwargs)

    def clean(self, value):
        amount = super().clean(value)
        return None if amount is None else money(amount)

    def prepare_value(self, value):
        return format(units(value).normalize(), "f") if isinstance(value, int) else value


class AccountForm(forms.Form):
    """A new account directly below."""

    name = forms.CharField(label=_("Name"), max_length=120)
    owner_email = forms.EmailField(
        label=_("Owner's e-mail"), help_text=_("Gets an invitation to sign in as the owner.")
    )
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[(Kind.CUSTOMER, _("Customer: sends messages")), (Kind.AGENT, _("Reseller: has accounts of its own"))],
        widget=forms.RadioSelect,
        initial=Kind.CUSTOMER,
    )
    country = forms.ChoiceField(label=_("Country"), choices=countries)
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=[(code, code) for code in CURRENCIES],
        help_text=_("Its wallet is counted in it; this can't be changed later."),
    )
    locale = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zones)
    book = forms.ModelChoiceField(
        PriceBook.objects.none(), label=_("Price list"), required=False, empty_label=_("Your default list")
    )
    opening_credit = AmountField(
        label=_("Opening credit"), required=False, min_value=Decimal(0), help_text=_("Moved from your wallet at once.")
    )

    def __init__(self, *args, agent: Organisation, may_transfer: bool, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["book"].queryset = price_lists_of(agent)
        if not may_transfer:
            del self.fields["opening_credit"]


class CreditForm(forms.Form):
    """Credit to or from an account.  `token` makes a form sent twice move its money once."""

    direction = forms.ChoiceField(
        label=_("Direction"),
        choices=[("give", _("To the account")), ("take", _("Back to you"))],
        widget=forms.RadioSelect,
        initial="give",
    )
    amount = AmountField(label=_("Amount"), min_value=Decimal("0.01"))
    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=200, help_text=_("Kept in the account's audit trail, which its team can read.")
    )


class CommissionForm(forms.Form):
    """What the seller pays a reseller below it: two shares in per cent."""

    traffic = forms.DecimalField(
        label=_("Of delivered messages, %"), min_value=0, max_value=100, max_digits=5, decimal_places=2
    )
    packages = forms.DecimalField(
        label=_("Of package sales, %"), min_value=0, max_value=100, max_digits=5, decimal_places=2
    )

    def rates(self) -> dict[str, int]:
        """Basis points by basis."""
        return {basis: int(self.cleaned_data[basis] * 100) for basis in CommissionRule.Basis.values}


class ListForm(forms.Form):
    """Which price list an account buys by."""

    book = forms.ModelChoiceField(PriceBook.objects.none(), label=_("Price list"))

    def __init__(self, *args, agent: Organisation, account: Organisation, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["book"].queryset = price_lists_of(agent).filter(currency=account.currency)


class NewListForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in CURRENCIES])
    is_default = forms.BooleanField(
        label=_("For every account without another list"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "switch", "role": "switch"}),
    )


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A line of a list with its field; `margin` is what the new price leaves, once the field is filled in well."""

    line: PriceLine
    field: forms.BoundField
    margin: int | None

    @property
    def errors(self) -> ErrorList:
        return self.field.errors


class PricesForm(forms.Form):
    """A price for each line of a list; a field left empty keeps what is asked now."""

    effective_from = forms.DateTimeField(
        label=_("Valid from"),
        required=False,
        help_text=_("Empty: at once. Messages accepted before keep their price."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )

    def __init__(self, *args, lines: Sequence[PriceLine], currency: str, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.lines, self.currency = lines, currency
        for line in lines:
            self.fields[field_name(line)] = AmountField(
                label=f"{line.country_label or _('Other countries')}, {line.category_label}",
                decimal_places=6,
                required=False,
                min_value=Decimal(0),
                widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "in", "autocomplete": "off"}),
            )

    def clean_effective_from(self):
        begin = self.cleaned_data["effective_from"]
        if begin is not None and begin < timezone.now():
            raise ValidationError(_("This is in the past."))
        return begin

    def clean(self) -> dict:
        for line in self.lines:
            asked = self.cleaned_data.get(field_name(line))
            if asked is not None and line.cost is not None and asked < line.cost:
                self.add_error(field_name(line), _("Below what you pay: %(cost)s.") % {"cost": self.priced(line.cost)})
        return self.cleaned_data

    def priced(self, micros: int) -> str:
        return format_unit_price(micros, self.currency)

    def rows(self) -> list[PriceRow]:
        """Each line with its field."""
        cleaned = getattr(self, "cleaned_data", {})
        rows = []
        for line in self.lines:
            asked = cleaned.get(field_name(line))
            margin = asked - line.cost if asked is not None and line.cost is not None else line.margin
            rows.append(PriceRow(line, self[field_name(line)], margin))
        return rows

    def changes(self) -> list[tuple[PriceLine, int]]:
        """The lines that would change, and to what."""
        found = ((line, self.cleaned_data.get(field_name(line))) for line in self.lines)
        return [(line, asked) for line, asked in found if asked is not None and asked != line.price]

    def asked(self) -> list[Asked]:
        return [Asked(line.country, line.category, asked) for line, asked in self.changes()]


def field_name(line: PriceLine) -> str:
    return f"{line.country or 'other'}-{line.category}"


class BrandForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=60)
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        help_text=format_lazy(
            _("PNG, JPEG or WebP, square if you can, up to {kilobytes} KB."), kilobytes=MOST_BYTES // 1000
        ),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    remove_logo = forms.BooleanField(label=_("Remove the logo"), required=False)
    colour = forms.RegexField(
        r"^#[0-9a-fA-F]{6}$",
        label=_("Colour"),
        error_messages={"invalid": _("Write the colour as #rrggbb, for example #2f4fd0.")},
        widget=forms.TextInput(attrs={"class": "mono", "maxlength": 7, "spellcheck": "false"}),
    )
    host = forms.CharField(
        label=_("Web address"),
        max_length=253,
        required=False,
        help_text=_("A host name of yours that points here. Whoever signs up under it becomes your customer."),
        widget=forms.TextInput(attrs={"class": "mono", "placeholder": "sms.example.com", "spellcheck": "false"}),
    )
    support_email = forms.EmailField(label=_("Support e-mail"), required=False)

    def clean_colour(self) -> str:
        return self.cleaned_data["colour"].lower()

    def logo_bytes(self) -> bytes | None:
        """The new file's bytes, nothing to take the logo away, None to leave it.  Never reads more than may be kept."""
        if self.cleaned_data["remove_logo"]:
            return b""
        file = self.cleaned_data["logo"]
        return file.read(MOST_BYTES + 1) if file else None
