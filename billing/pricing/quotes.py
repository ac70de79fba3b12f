"""Prices as they are now, and quotes: prices frozen for the messages that are sold at them."""

import hashlib
import time
from collections.abc import Iterable, Mapping
from functools import partial
from uuid import UUID

from django.db import connection, transaction

from accounts.models import Organisation
from kit import tenancy
from kit.money import Micros

from .errors import NoPrice
from .models import Quote
from .rules.split import Buyer, Split, split

#: Country and category.
Destination = tuple[str, str]

_FRESH_SECONDS = 2.0
_MOST_REMEMBERED = 2_000
#: Organisation id to (when it was read, its quotes).  Only what is committed is remembered.
_remembered: dict[UUID, tuple[float, dict[Destination, Quote]]] = {}


def quotes_for(organisation: Organisation, destinations: Iterable[Destination]) -> dict[Destination, Quote]:
    """A quote for each destination.  A price change shows within two seconds.

    Raises NoPrice for the first destination nobody asks a price for in the organisation's currency.
    """
    wanted = set(destinations)
    known = _recall(organisation, wanted)
    if known is not None:
        return known
    started = time.monotonic()
    with tenancy.with_upline(organisation.pk, path=organisation.path):
        quotes = _freeze(organisation, _priced(organisation, wanted))
        transaction.on_commit(partial(_remember, organisation.pk, started, quotes))
    return quotes


def prices_now(organisation: Organisation, destinations: Iterable[Destination]) -> dict[Destination, Micros]:
    """What a segment costs the organisation now, only read.  Raises NoPrice."""
    with tenancy.with_upline(organisation.pk, path=organisation.path):
        return {place: Micros(found.price) for place, found in _priced(organisation, set(destinations)).items()}


def costs_now(
    organisation: Organisation, destinations: Iterable[Destination], *, currency: str
) -> dict[Destination, Micros | None]:
    """What a segment costs the organisation when its own buyer pays in `currency`; None where nobody asks a price."""
    with tenancy.with_upline(organisation.pk, path=organisation.path):
        found = _splits(organisation, set(destinations), currency)
    return {place: None if split is None else Micros(split.price) for place, split in found.items()}


def forget_quotes() -> None:
    """Prices were changed by this process: look again."""
    _remembered.clear()


def _recall(organisation: Organisation, wanted: set[Destination]) -> dict[Destination, Quote] | None:
    read_at, quotes = _remembered.get(organisation.pk, (0.0, {}))
    if time.monotonic() - read_at > _FRESH_SECONDS or not wanted <= quotes.keys():
        return None
    return {destination: quotes[destination] for destination in wanted}


def _remember(organisation_id: UUID, read_at: float, quotes: dict[Destination, Quote]) -> None:
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    before, known = _remembered.get(organisation_id, (read_at, {}))
    if read_at - before < _FRESH_SECONDS:
        read_at, quotes = min(before, read_at), known | quotes
    _remembered[organisation_id] = (read_at, quotes)


# Every level from just below the operator down to the buyer, and what its seller asks it: by the book it was given,
# else by its seller's default book; the exact country before "every other", the latest price that has begun.
_ASKED = """
WITH chain AS (
    SELECT id, parent_id, nlevel(path) AS level FROM accounts_organisation
    WHERE path @> %(path)s::ltree AND parent_id IS NOT NULL
), books AS (
    SELECT chain.id AS buyer, book.id, 0 AS preference FROM chain
    JOIN pricing_priceassignment given ON given.organisation_id = chain.id
    JOIN pricing_pricebook book ON book.id = given.book_id AND book.organisation_id = chain.parent_id
    WHERE book.currency = %(currency)s
    UNION ALL
    SELECT chain.id, book.id, 1 FROM chain
    JOIN pricing_pricebook book ON book.organisation_id = chain.parent_id AND book.is_default
    WHERE book.currency = %(currency)s
)
SELECT wanted.country, wanted.category, chain.id, asked.micros
FROM chain CROSS JOIN unnest(%(countries)s::text[], %(categories)s::text[]) AS wanted (country, category)
LEFT JOIN LATERAL (
    SELECT price.micros FROM books JOIN pricing_price price ON price.book_id = books.id
    WHERE books.buyer = chain.id AND price.category = wanted.category
        AND price.country IN (wanted.country, '') AND price.effective_from <= clock_timestamp()
    ORDER BY books.preference, price.country = '', price.effective_from DESC LIMIT 1
) AS asked ON true
ORDER BY chain.level
"""


def _splits(organisation: Organisation, wanted: set[Destination], currency: str) -> dict[Destination, Split | None]:
    ordered = sorted(wanted)
    if organisation.parent_id is None:
        return dict.fromkeys(ordered, Split(price=0, platform_part=0))  # the house does not sell to itself
    chains: dict[Destination, list[Buyer]] = {destination: [] for destination in ordered}
    with connection.cursor() as cursor:
        cursor.execute(
            _ASKED,
            {
                "path": organisation.path,
                "currency": currency,
                "countries": [country for country, _category in ordered],
                "categories": [category for _country, category in ordered],
            },
        )
        for country, category, buyer, asked in cursor.fetchall():
            chains[country, category].append(Buyer(buyer, asked))
    return {place: split(chain) for place, chain in chains.items()}


def _priced(organisation: Organisation, wanted: set[Destination]) -> dict[Destination, Split]:
    found = _splits(organisation, wanted, organisation.currency)
    for (country, category), split_ in found.items():
        if split_ is None:
            raise NoPrice(country=country, category=category, currency=organisation.currency)
    return found


def _freeze(organisation: Organisation, splits: Mapping[Destination, Split]) -> dict[Destination, Quote]:
    drafts = [_draft(organisation, *place, found) for place, found in splits.items()]
    stored = _stored(organisation, drafts)
    missing = [draft for draft in drafts if draft.fingerprint not in stored]
    if missing:
        Quote.objects.bulk_create(missing, ignore_conflicts=True)
        stored |= _stored(organisation, missing)
    return {(draft.country, draft.category): stored[draft.fingerprint] for draft in drafts}


def _stored(organisation: Organisation, drafts: list[Quote]) -> dict[str, Quote]:
    rows = Quote.objects.filter(organisation=organisation, fingerprint__in=[draft.fingerprint for draft in drafts])
    return {quote.fingerprint: quote for quote in rows}


def _draft(organisation: Organisation, country: str, category: str, found: Split) -> Quote:
    quote = Quote(
        organisation=organisation,
        country=country,
        category=category,
        currency=organisation.currency,
        price=found.price,
        platform_id=platform_of(organisation),
        platform_part=found.platform_part,
        agents=list(found.agents),
        agent_parts=list(found.parts),
    )
    quote.fingerprint = fingerprint_of(quote)
    return quote


def platform_of(organisation: Organisation) -> UUID:
    """The operator's id: the first label of every path."""
    return UUID(organisation.path.partition(".")[0])


def fingerprint_of(quote: Quote) -> str:
    """The same for two quotes that say the same in everything."""
    facts = (
        quote.organisation_id, quote.country, quote.category, quote.currency, quote.price, quote.platform_id,
        quote.platform_part, *quote.agents, *quote.agent_parts,
    )  # fmt: skip
    return hashlib.sha256("|".join(map(str, facts)).encode()).hexdigest()
