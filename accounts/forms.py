from datetime import datetime, time

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.validators import MaxValueValidator
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .actions import create_organisation
from .choices import COUNTRY_NAMES, SCOPE_LABELS, countries, described, time_zones
from .models import Membership, User
from .queries import seller_at
from .rules.countries import defaults_for
from .rules.permissions import KEY_SCOPES, may_grant, roles_in


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


class RoleForm(forms.Form):
    """A choice among the roles its giver may give."""

    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect)

    def __init__(self, *args, giver: Membership, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        kind = giver.organisation.kind
        self.fields["role"].choices = [
            (role, described(role)) for role in roles_in(kind) if may_grant(giver.role, role, kind=kind)
        ]


class InviteForm(RoleForm):
    email = forms.EmailField(label=_("E-mail"), max_length=254)
    field_order = ["email", "role"]


class JoinForm(forms.Form):
    """What somebody new tells us when they accept an invitation."""

    name = forms.CharField(label=_("Your name"), max_length=120)
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def __init__(self, *args, email: str, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        validate_password(password, User(email=self.email, name=self.cleaned_data.get("name", "")))
        return password


class ApiKeyForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Where it will be used: “Shop”, “Alarm server”.")
    )
    is_live = forms.TypedChoiceField(
        label=_("Kind"),
        choices=[("test", _("Test: messages never reach a carrier and cost nothing")), ("live", _("Live"))],
        coerce=lambda kind: kind == "live",
        initial="test",
        widget=forms.RadioSelect,
    )
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"), widget=forms.CheckboxSelectMultiple, help_text=_("What the key may do. Give it no more.")
    )
    networks = forms.CharField(
        label=_("IP networks"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        help_text=_("One a line, such as 192.0.2.0/24. Empty: from everywhere."),
    )
    expires_at = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: until you revoke it."),
    )  # fmt: skip

    def __init__(self, *args, maker: Membership, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        scopes = [(scope, label) for scope, label in SCOPE_LABELS.items() if maker.may(KEY_SCOPES[scope])]
        self.fields["scopes"].choices = scopes

    def clean_networks(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["networks"].splitlines() if line.strip()]

    def clean_expires_at(self) -> datetime | None:
        """The end of the day named, where the organisation is."""
        day = self.cleaned_data["expires_at"]
        return day and timezone.make_aware(datetime.combine(day, time.max))


class OrganisationForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    country = forms.ChoiceField(
        label=_("Country"), choices=countries,
        help_text=_("Phone numbers without a country code are read as numbers of this country."),
    )  # fmt: skip
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zones, help_text=_("All times are shown in it."))
    locale = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_("Of mail to the team; each person chooses their own."),
    )
    erase_after_days = forms.IntegerField(
        label=_("Days texts and numbers are kept"), min_value=1,
        help_text=_("Then they are erased for good; counts, costs and opt-outs stay."),
    )  # fmt: skip

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        most = self.fields["erase_after_days"]
        most.max_value = most.widget.attrs["max"] = settings.MESSAGE_RETENTION_DAYS
        most.validators.append(MaxValueValidator(settings.MESSAGE_RETENTION_DAYS))
        country = self.initial.get("country", "")
        if country and country not in COUNTRY_NAMES:  # one that sign-up does not offer
            self.fields["country"].choices = [(country, country), *countries()]


class ProfileForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    locale = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
