from html import escape
from typing import Any

import django_tables2 as tables
from django.utils.functional import cached_property
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from kit.formatting import NOTHING, delivery_rate, format_count, format_money, moment
from kit.links import addresses_of
from kit.templatetags.meters import bar

from .listing import ListedCampaign
from .models import Campaign
from .progress import CampaignProgress, with_progress
from .views.support import TONES

_UNKNOWN = SafeString(f'<span class="t3">{NOTHING}</span>')


def badge(campaign: ListedCampaign) -> SafeString:
    """Its state, as templates/components/badge.html writes it."""
    return mark_safe(f'<span class="st {TONES[campaign.status]}">{escape(campaign.status_label)}</span>')  # noqa: S308


class CampaignTable(tables.Table):
    """All bulk sends.  The numbers of a page come in one query."""

    name = tables.Column(verbose_name=_("Campaign"), empty_values=())
    status = tables.Column(verbose_name=_("Status"), empty_values=(), attrs={"td": {"class": "beside"}})
    recipients = tables.Column(verbose_name=_("Recipients"), empty_values=(), attrs={"cell": {"class": "n"}})
    progress = tables.Column(verbose_name=_("Handed over"), empty_values=(), orderable=False)
    delivered = tables.Column(
        verbose_name=_("Delivered"), empty_values=(), orderable=False, attrs={"cell": {"class": "n"}}
    )
    cost = tables.Column(verbose_name=_("Cost"), empty_values=(), orderable=False, attrs={"cell": {"class": "n"}})
    started_at = tables.Column(verbose_name=_("Started"), empty_values=(), attrs={"cell": {"class": "n hide-m"}})

    class Meta:
        model = Campaign
        fields = ("name", "status", "recipients", "progress", "delivered", "cost", "started_at")
        template_name = "components/table.html"
        empty_text = _("No campaigns match.")
        attrs = {"caption": _("Campaigns"), "hx_target": "#campaigns"}
        order_by = ()

    def __init__(self, *args, organisation, **kwargs) -> None:
        self.organisation, self.url_of = organisation, addresses_of("messaging:campaign")
        super().__init__(*args, **kwargs)

    @cached_property
    def numbers(self) -> dict[Any, CampaignProgress]:
        shown = [row.record for row in self.paginated_rows]
        return {one.campaign.pk: one for one in with_progress(self.organisation, shown)}

    def render_name(self, record: ListedCampaign) -> SafeString:
        """By hand, as is the badge: a template for each cell takes longer than the rest of the page."""
        made_of = record.file_name or "" if record.template_name is None else record.template_name
        parts = [made_of, record.created_by, *([str(_("Test"))] if record.is_test else [])]
        said = f'<a class="prime" href="{self.url_of(record.pk)}">{escape(record.name)}</a>'
        return mark_safe(f'{said}<div class="meta">{escape(" · ".join(parts))}</div>')  # noqa: S308  escaped

    def render_status(self, record: ListedCampaign) -> SafeString:
        return badge(record)

    def render_recipients(self, record: ListedCampaign) -> str:
        return format_count(record.recipients or record.usable_rows)

    def render_progress(self, record: ListedCampaign) -> SafeString:
        if not record.recipients:
            return _UNKNOWN
        numbers = self.numbers[record.pk]
        drawn = bar(total=numbers.reachable, ok=numbers.delivered, wait=numbers.waiting, bad=numbers.failed)
        return mark_safe(f'<span class="bar-cell"><span class="num">{numbers.percent}%</span>{drawn}</span>')  # noqa: S308

    def render_delivered(self, record: ListedCampaign) -> str:
        numbers = self.numbers[record.pk]
        return delivery_rate(numbers.delivered, numbers.failed)

    def render_cost(self, record: ListedCampaign) -> str:
        numbers = self.numbers[record.pk]
        return format_money(numbers.spent + numbers.held if record.accepted else None, self.organisation.currency)

    def render_started_at(self, record: ListedCampaign) -> str:
        return moment(record.started_at or record.starts_at)
