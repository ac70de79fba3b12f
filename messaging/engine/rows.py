"""The rows of the list of messages, written in one go: a template for each of their cells takes longer than all the rest
of the page, and so do fifty rows of `format_html` and `reverse`.  What a customer wrote goes through `escape` here.
"""

from collections.abc import Iterable
from html import escape

from django.utils.functional import cached_property
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from billing.pricing.models import Category
from kit.formatting import NOTHING, format_count, format_unit_price, mask_phone, moment
from kit.links import addresses_of

from .models import Message
from .states import LABELS, TONES

LONGEST_REFERENCE = 24


class Rows:
    """One page's rows.  Words are looked up once, whatever the number of rows.  Its methods return HTML."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = {name: escape(str(label)) for name, label in labels.items()}
        self.url_of = addresses_of("messaging:message")

    def html(self, messages: Iterable[Message]) -> SafeString:
        return mark_safe("\n".join(map(self.row, messages)))  # noqa: S308  every word of a row is escaped or our own

    def row(self, message: Message) -> str:
        """A row that leads to its message; numbers are masked."""
        url = self.url_of(message.pk)
        number = f'<a class="prime num" href="{url}">{escape(mask_phone(message.recipient))}</a>'
        state = f"{self.badges[message.state]}{self.code(message)}"
        return (
            f'<tr role="row" data-href="{url}"><td role="cell">{number}{self.under_number(message)}</td>'
            f'<td role="cell" class="beside"><div>{state}</div></td>'
            f'<td role="cell" data-l="{self.labels["origin"]}">{self.origin(message)}</td>'
            f"{self.figure('segments', format_count(message.segments))}"
            f"{self.figure('price', self.price(message))}"
            f"{self.figure('accepted_at', escape(moment(message.accepted_at)))}</tr>"
        )

    def figure(self, column: str, content: str) -> str:
        return f'<td role="cell" class="n" data-l="{self.labels[column]}">{content}</td>'

    @cached_property
    def badges(self) -> dict[int, str]:
        """As templates/components/badge.html writes them."""
        return {
            state: f'<span class="st {TONES.get(state, "wait")}">{escape(str(label))}</span>'
            for state, label in LABELS.items()
        }

    @cached_property
    def categories(self) -> dict[str, str]:
        return {category.value: str(category.label) for category in Category}

    @cached_property
    def words(self) -> dict[str, str]:
        return {"campaign": _("campaign"), "test": _("test"), "package": _("package")}

    def under_number(self, message: Message) -> str:
        parts = [escape(message.country)]
        if message.client_reference:
            reference = Truncator(message.client_reference).chars(LONGEST_REFERENCE)
            parts.append(f'<span class="mono">{escape(reference)}</span>')
        if message.is_test:
            parts.append(escape(self.words["test"]))
        return f'<div class="meta">{" · ".join(parts)}</div>'

    def code(self, message: Message) -> str:
        return f'<div class="meta mono">{escape(message.error_code)}</div>' if message.error_code else ""

    def origin(self, message: Message) -> str:
        name = message.version.template.name if message.version else NOTHING
        way = self.words["campaign"] if message.campaign_id else "API" if message.api_key_id else ""
        said = f"{self.categories.get(message.category, message.category)}{' · ' if way else ''}{way}"
        return f'<div>{escape(name)}<div class="meta">{escape(said)}</div></div>'

    def price(self, message: Message) -> str:
        if message.is_test:
            return f'<span class="t3">{NOTHING}</span>'
        if message.allowance_id:
            return escape(self.words["package"])
        amount = escape(format_unit_price(message.price, message.currency))
        return f'<s class="t3">{amount}</s>' if message.is_returned else amount
