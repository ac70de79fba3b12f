"""What a buyer may choose."""

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.packages.actions import LEAST_TOP_UP, MOST_TOP_UP
from kit.formatting import format_money
from kit.money import money, units


class TopUpForm(forms.Form):
    """An amount in the organisation's currency."""

    amount = forms.DecimalField(
        label=_("Amount"),
        min_value=units(LEAST_TOP_UP),
        max_value=units(MOST_TOP_UP),
        max_digits=9,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"class": "in", "inputmode": "decimal", "step": "0.01"}),
    )

    def __init__(self, *args, currency: str, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].help_text = _("From %(least)s to %(most)s.") % {
            "least": format_money(LEAST_TOP_UP, currency),
            "most": format_money(MOST_TOP_UP, currency),
        }

    def clean_amount(self):
        return money(self.cleaned_data["amount"])
