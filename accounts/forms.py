from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .actions import create_organisation
from .choices import countries
from .models import User
from .queries import seller_at
from .rules.countries import defaults_for


class SignUpExtras(forms.Form):
    """What sign-up asks beside e-mail and password; allauth puts it into its own form.

    A new organisation lies below the agent whose host name the page was opened under, else below the operator.
    """

    organisation = forms.CharField(label=_("Organisation"), max_length=120)
    name = forms.CharField(label=_("Your name"), max_length=120)
    country = forms.ChoiceField(
        label=_("Country"), choices=countries, initial="GB", help_text=_("Decides your currency and time zone.")
    )
    field_order = ["organisation", "name", "email", "password1", "country"]

    def signup(self, request: HttpRequest, user: User) -> None:
        country = self.cleaned_data["country"]
        defaults = defaults_for(country)
        create_organisation(
            name=self.cleaned_data["organisation"],
            parent=seller_at(request.get_host()),
            owner=user,
            locale=getattr(request, "LANGUAGE_CODE", settings.LANGUAGE_CODE),
            time_zone=defaults.time_zone,
            currency=defaults.currency,
            country=country,
        )
