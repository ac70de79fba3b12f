"""The period a statement is about: whole days in the reader's time zone."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day's midnight to that after the last."""

    first: date
    last: date

    @property
    def begin(self) -> datetime:
        return _midnight(self.first)

    @property
    def end(self) -> datetime:
        return _midnight(self.last + timedelta(days=1))

    @property
    def query(self) -> str:
        return f"from={self.first:%Y-%m-%d}&to={self.last:%Y-%m-%d}"


class PeriodForm(forms.Form):
    """`from` and `to` of the address; both empty is this month."""

    template_name = "billing/_period_form.html"

    def __init__(self, data, **kwargs) -> None:
        super().__init__(data if "from" in data or "to" in data else None, **kwargs)
        day = {"widget": forms.DateInput(attrs={"type": "date", "class": "in"}, format="%Y-%m-%d"), "required": False}
        self.fields["from"] = forms.DateField(label=pgettext_lazy("period", "From"), initial=this_month().first, **day)
        self.fields["to"] = forms.DateField(label=pgettext_lazy("period", "To"), initial=this_month().last, **day)

    def clean(self):
        first = self.cleaned_data.get("from") or this_month().first
        last = self.cleaned_data.get("to") or timezone.localdate()
        if last < first:
            raise ValidationError(_("The period ends before it begins."))
        if last - first > LONGEST:
            raise ValidationError(_("Choose a period of at most a year."))
        if not 2000 <= first.year <= last.year <= 2999:
            raise ValidationError(_("Choose a period of at most a year."))
        return {"from": first, "to": last}

    @property
    def period(self) -> Period:
        """What was chosen; this month when nothing was, or nothing sensible."""
        if self.is_bound and self.is_valid():
            return Period(self.cleaned_data["from"], self.cleaned_data["to"])
        return this_month()


def this_month() -> Period:
    today = timezone.localdate()
    return Period(today.replace(day=1), today)


def last_month() -> Period:
    last = timezone.localdate().replace(day=1) - timedelta(days=1)
    return Period(last.replace(day=1), last)


def last_days(count: int) -> Period:
    today = timezone.localdate()
    return Period(today - timedelta(days=count - 1), today)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
