from typing import Any

import django_tables2 as tables
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from kit.formatting import NOTHING, delivery_rate, format_count, format_money, moment
from kit.links import addresses_of
from kit.templatetags.meters import bar

from .models import Campaign
from .progress import CampaignProgress, with_progress
from .views.support import TONES


class CampaignTable(tables.Table):
    """All bulk sends.  The numbers of a page come in one query."""

    name = tables.Column(verbose_name=_("Campaign"))
    status = tables.Column(verbose_name=_("Status"), attrs={"td": {"class": "beside"}})
    recipients = tables.Column(verbose_name=_("Recipients"), attrs={"cell": {"class": "n"}})
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

    def render_name(self, record: Campaign) -> SafeString:
        """By hand, as is the badge: a template for each cell takes longer than the rest of the page."""
        made_of = record.version.template.name if record.version else record.file.name if record.file else ""
        parts = [made_of, str(record.created_by), *([_("Test")] if record.is_test else [])]
        return format_html(
            '<a class="prime" href="{}">{}</a><div class="meta">{}</div>',
            self.url_of(record.pk), record.name, " · ".join(map(str, parts)),
        )  # fmt: skip

    def render_status(self, record: Campaign, value: str) -> SafeString:
        """As templates/components/badge.html writes it."""
        return format_html('<span class="st {}">{}</span>', TONES[record.status] or "wait", value)

    def render_recipients(self, record: Campaign, value: int) -> str:
        count = value or (record.file.tally.get("valid") if record.file else None)
        return format_count(count)

    def render_progress(self, record: Campaign) -> SafeString:
        if not record.recipients:
            return format_html('<span class="t3">{}</span>', NOTHING)
        numbers = self.numbers[record.pk]
        drawn = bar(total=numbers.reachable, ok=numbers.delivered, wait=numbers.waiting, bad=numbers.failed)
        return format_html('<span class="bar-cell"><span class="num">{}%</span>{}</span>', numbers.percent, drawn)

    def render_delivered(self, record: Campaign) -> str:
        numbers = self.numbers[record.pk]
        return delivery_rate(numbers.delivered, numbers.failed)

    def render_cost(self, record: Campaign) -> str:
        numbers = self.numbers[record.pk]
        return format_money(numbers.spent + numbers.held if record.accepted else None, self.organisation.currency)

    def render_started_at(self, record: Campaign) -> str:
        return moment(record.started_at or record.starts_at)
