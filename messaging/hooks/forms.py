from django import forms
from django.utils.translation import gettext_lazy as _

from kit.outbound import LONGEST_URL


class WebhookForm(forms.Form):
    """Where to call."""

    url = forms.CharField(
        label=_("URL"),
        max_length=LONGEST_URL,
        widget=forms.URLInput(attrs={"placeholder": "https://hooks.example.com/signalbox", "autocomplete": "off"}),
        help_text=_("On the public internet, port 443 or 80. Redirects are not followed."),
    )
