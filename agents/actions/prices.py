"""What an agent asks the accounts below it."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Organisation
from billing.pricing.actions import Asked, assign_price_book, create_price_book, set_prices
from billing.pricing.models import PriceAssignment, PriceBook
from kit.errors import Invalid
from kit.money import units


@transaction.atomic
def create_price_list(*, agent: Organisation, name: str, currency: str, is_default: bool = False) -> PriceBook:
    """An empty price list of the agent's.  As the default of its currency it takes the former one's place."""
    book = create_price_book(organisation=agent, name=name, currency=currency, is_default=is_default)
    record(
        action="prices.list_created", target=book, organisation=agent,
        after={"name": name, "currency": book.currency, "default": is_default},
    )  # fmt: skip
    return book


@transaction.atomic
def publish_prices(*, book: PriceBook, prices: Sequence[Asked], effective_from: datetime | None = None) -> None:
    """Ask these prices from an instant on, at once when none is given.  Prices already asked keep their history.

    Raises NegativeMargin naming country and category, and Invalid for an instant that has passed.
    """
    if effective_from is not None and effective_from < timezone.now():
        raise Invalid(fields={"effective_from": _("This is in the past.")})
    set_prices(book=book, prices=prices, effective_from=effective_from)
    record(
        action="prices.published", target=book, organisation=book.organisation,
        after={
            "from": effective_from,
            "prices": {f"{asked.country or '*'} {asked.category}": str(units(asked.micros)) for asked in prices},
        },
    )  # fmt: skip


@transaction.atomic
def assign_price_list(*, agent: Organisation, account: Organisation, book: PriceBook) -> PriceAssignment:
    """Let an account directly below buy by this list.  Runs in the agent's downline scope.  Raises NotYourBuyer."""
    before = PriceAssignment.objects.filter(organisation=account).select_related("book").first()
    given = assign_price_book(organisation=account, book=book)
    record(
        action="prices.assigned", target=account, organisation=agent,
        before={"list": before.book.name if before else ""}, after={"list": book.name, "account": account.name},
    )  # fmt: skip
    return given


@transaction.atomic
def set_sub_account_prices(
    *, agent: Organisation, account: Organisation, prices: Sequence[Asked], effective_from: datetime | None = None
) -> PriceBook:
    """Ask one account prices of its own: its list is made when it has none, and changed when it is its alone.

    Runs in the agent's downline scope.  Raises NegativeMargin naming country and category; nothing has changed then.
    """
    book = _list_of_its_own(agent, account)
    if book is None:
        book = create_price_list(agent=agent, name=account.name[:80], currency=account.currency)
        assign_price_list(agent=agent, account=account, book=book)
    publish_prices(book=book, prices=prices, effective_from=effective_from)
    return book


def _list_of_its_own(agent: Organisation, account: Organisation) -> PriceBook | None:
    books = PriceBook.objects.filter(organisation=agent, assignments__organisation=account, is_default=False)
    return books.exclude(assignments__in=PriceAssignment.objects.exclude(organisation=account)).first()
