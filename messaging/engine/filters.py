"""The filters of the messages list.  They live in the URL, so a filtered list can be kept and shared."""

import re
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import django_filters
import phonenumbers
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation
from kit.ids import first_id_at
from messaging.content.models import TemplateVersion

from .models import Message
from .pages import Share
from .queries import of_campaign, share_of
from .states import BY_CODE, CODES, LABELS, Status

#: Groups people think in, before the exact states.
GROUPS = {"waiting": _("On their way"), "failed": _("Did not arrive")}
STATUS_CHOICES = [*GROUPS.items(), *((CODES[status], LABELS[status]) for status in Status)]


class PlainCharField(forms.CharField):
    """Text as it can be looked up: the database stores no NULs."""

    def to_python(self, value: Any) -> str:
        return super().to_python(value).replace("\x00", "")


class PlainFilter(django_filters.CharFilter):
    field_class = PlainCharField


class MessageFilter(django_filters.FilterSet):
    """status, number, dates in the tenant's time zone, reference, campaign, template and key.

    `qs` is what an index leads to; `wanted` is what each of those must be besides, for `pages.page_of` to look at.
    """

    number = PlainFilter(label=_("Number"), max_length=40, method="by_number")
    status = django_filters.ChoiceFilter(
        label=_("Status"), choices=STATUS_CHOICES, empty_label=_("Any status"), method="by_looking"
    )
    since = django_filters.DateFilter(label=pgettext_lazy("period", "From"), method="by_first_day")
    until = django_filters.DateFilter(label=pgettext_lazy("period", "To"), method="by_last_day")
    reference = PlainFilter(label=_("Your reference"), field_name="client_reference", max_length=64)
    campaign = django_filters.UUIDFilter(label=_("Campaign"), method="by_campaign")
    template = django_filters.UUIDFilter(label=_("Template"), method="by_looking")
    key = django_filters.UUIDFilter(label=_("API key"), method="by_looking")

    class Meta:
        model = Message
        fields = ()

    def __init__(self, *args, organisation: Organisation, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.organisation = organisation

    @property
    def wanted(self) -> Q:
        """What no index knows: state, template and key."""
        asked = self.form.cleaned_data if self.is_valid() else {}
        wanted = Q()
        if status := asked.get("status"):
            wanted &= Q(status__in=states_of(status))
        if template_id := asked.get("template"):
            versions = TemplateVersion.objects.filter(template=template_id).values_list("pk", flat=True)
            wanted &= Q(template_version_id__in=list(versions))
        if key_id := asked.get("key"):
            wanted &= Q(api_key_id=key_id)
        return wanted

    @property
    def share(self) -> Share | None:
        """What the figures know of what is asked for: of a campaign's messages in some states, and nothing else."""
        asked = {name: value for name, value in self.form.cleaned_data.items() if value} if self.is_valid() else {}
        if asked.keys() != {"campaign", "status"}:
            return None
        return share_of(self.organisation, asked["campaign"], states_of(asked["status"]))

    def by_number(self, messages: QuerySet[Message], name: str, typed: str) -> QuerySet[Message]:
        return messages.filter(recipient=number_of(typed, self.organisation.country))

    def by_campaign(self, messages: QuerySet[Message], name: str, campaign_id: UUID) -> QuerySet[Message]:
        return of_campaign(messages, campaign_id)

    def by_first_day(self, messages: QuerySet[Message], name: str, day) -> QuerySet[Message]:
        return messages.filter(pk__gte=first_id_at(midnight(day)))

    def by_last_day(self, messages: QuerySet[Message], name: str, day) -> QuerySet[Message]:
        return messages.filter(pk__lt=first_id_at(midnight(day + timedelta(days=1))))

    def by_looking(self, messages: QuerySet[Message], name: str, value: Any) -> QuerySet[Message]:
        return messages  # see `wanted`


def states_of(code: str) -> list[Status]:
    """A state by its name, or those of one of the groups people think in."""
    if code == "waiting":
        return [status for status in Status if not status.is_final]
    if code == "failed":
        return [status for status in Status if status > Status.DELIVERED]
    return [BY_CODE[code]]


def midnight(day) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def number_of(typed: str, country: str) -> str:
    """The number as messages store it; what can't be read as one is looked for by its digits."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(typed, country), phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        return "+" + re.sub(r"[^0-9]", "", typed)
