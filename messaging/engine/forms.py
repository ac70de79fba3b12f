from django import forms
from django.utils.translation import gettext_lazy as _


class SearchForm(forms.Form):
    """One box for everything: a number, a message's id, a reference, a template's or sender's name."""

    q = forms.CharField(label=_("Search"), max_length=100, required=False, strip=True)

    def clean_q(self) -> str:
        return self.cleaned_data["q"].replace("\x00", "")
