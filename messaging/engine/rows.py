"""The rows of the list of messages, written in one go: a template for each of their cells takes longer than all the rest
of the page."""

from collections.abc import Iterable
from functools import partial

from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from billing.pricing.models import Category
from kit.formatting import NOTHING, format_count, format_unit_price, mask_phone, moment

from .models import Message
from .states import LABELS, TONES

LONGEST_REFERENCE = 24
_EMPTY = SafeString("")
_meta = partial(format_html, '<div class="meta">{}</div>')
_unsaid = partial(format_html, '<span class="t3">{}</span>')


class Rows:
    """One page's rows.  Words are looked up once, whatever the number of rows."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = {name: conditional_escape(label) for name, label in labels.items()}

    def html(self, messages: Iterable[Message]) -> SafeString:
        return mark_safe("\n".join(map(self.row, messages)))  # noqa: S308  each row is made of escaped cells

    def row(self, message: Message) -> SafeString:
        """A row that leads to its message; numbers are masked."""
        url = reverse("messaging:message", args=[message.pk])
        cells = [
            format_html('<td role="cell"><a class="prime num" href="{}">{}</a>{}</td>', url,
                        mask_phone(message.recipient), self.under_number(message)),
            format_html('<td role="cell" class="beside"><div>{}{}</div></td>', self.badges[message.state],
                        self.code(message)),
            self.cell("origin", self.origin(message), kind=""),
            self.cell("segments", format_count(message.segments)),
            self.cell("price", self.price(message)),
            self.cell("accepted_at", moment(message.accepted_at)),
        ]  # fmt: skip
        return format_html(
            '<tr role="row" data-href="{}">{}</tr>', url, format_html_join("", "{}", ((c,) for c in cells))
        )

    def cell(self, column: str, content: str, *, kind: str = "n") -> SafeString:
        named = format_html(' class="{}"', kind) if kind else _EMPTY
        return format_html('<td role="cell"{} data-l="{}">{}</td>', named, self.labels[column], content)

    @cached_property
    def badges(self) -> dict[int, SafeString]:
        """As templates/components/badge.html writes them."""
        return {
            state: format_html('<span class="st {}">{}</span>', TONES.get(state, "wait"), label)
            for state, label in LABELS.items()
        }

    @cached_property
    def categories(self) -> dict[str, str]:
        return {category.value: str(category.label) for category in Category}

    @cached_property
    def words(self) -> dict[str, str]:
        return {"campaign": _("campaign"), "test": _("test"), "package": _("package")}

    def under_number(self, message: Message) -> SafeString:
        parts = [message.country]
        if message.client_reference:
            reference = Truncator(message.client_reference).chars(LONGEST_REFERENCE)
            parts.append(format_html('<span class="mono">{}</span>', reference))
        if message.is_test:
            parts.append(self.words["test"])
        return _meta(format_html_join(" · ", "{}", ((part,) for part in parts)))

    def code(self, message: Message) -> SafeString:
        return format_html('<div class="meta mono">{}</div>', message.error_code) if message.error_code else _EMPTY

    def origin(self, message: Message) -> SafeString:
        name = message.version.template.name if message.version else NOTHING
        way = self.words["campaign"] if message.campaign_id else "API" if message.api_key_id else ""
        said = f"{self.categories.get(message.category, message.category)}{' · ' if way else ''}{way}"
        return format_html("<div>{}{}</div>", name, _meta(said))

    def price(self, message: Message) -> str:
        if message.is_test:
            return _unsaid(NOTHING)
        if message.allowance_id:
            return self.words["package"]
        amount = format_unit_price(message.price, message.currency)
        return format_html('<s class="t3">{}</s>', amount) if message.is_returned else amount
