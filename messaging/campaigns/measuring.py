"""What a campaign will take: its segments counted over all its recipients, and what they cost now."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from accounts.models import Organisation
from billing.ledger.queries import Wallet, wallet_of
from billing.packages.queries import usable_allowances_of
from billing.pricing.quotes import prices_now
from messaging.content.rules.segments import count_segments
from messaging.content.rules.variables import ValueRefused
from messaging.recipients.queries import opted_out

from .models import Campaign, RecipientFile
from .queries import campaign_of, recipients_of
from .wording import Wording, fingerprint_of, wording_of

CHUNK = 2_000
#: Up to so many recipients are counted while somebody waits.
AT_ONCE = 10_000
#: How many characters that force Unicode are named.
NAMED = 5


@dataclass(frozen=True)
class Estimate:
    """What the messages of a campaign add up to, without prices: those change.

    `counted` of the `recipients` were looked at.  `problems` counts the rows that can't be sent by variable and code,
    `forcing` are characters that keep a text out of the GSM alphabet, `body_forces` whether the wording itself does.
    """

    of: str = ""
    recipients: int = 0
    counted: int = 0
    messages: int = 0
    opted_out: int = 0
    unusable: int = 0
    unusable_row: int = 0
    problems: dict[str, int] = field(default_factory=dict)
    segments: int = 0
    shortest: int = 0
    longest: int = 0
    longest_row: int = 0
    unicode: int = 0
    forcing: list[str] = field(default_factory=list)
    body_forces: bool = False
    by_country: dict[str, list[int]] = field(default_factory=dict)

    @property
    def is_sample(self) -> bool:
        return self.counted < self.recipients

    @property
    def varies(self) -> bool:
        return self.shortest != self.longest


@dataclass(frozen=True)
class CostLine:
    """One country's part."""

    country: str
    messages: int
    segments: int
    price: int


@dataclass(frozen=True)
class Cost:
    """What an estimate costs at today's prices.  `covered` segments are paid by packages, `total` by the wallet."""

    lines: list[CostLine]
    covered: int
    total: int
    wallet: Wallet

    @property
    def currency(self) -> str:
        return self.wallet.currency

    @property
    def after(self) -> int:
        """What the wallet would hold then."""
        return self.wallet.balance - self.total

    @property
    def shortfall(self) -> int:
        return max(0, self.total - self.wallet.available)


def measure(*, file: RecipientFile, wording: Wording, organisation: Organisation, most: int | None = None) -> Estimate:
    """Count the messages of all recipients, or of the first `most`.  Takes about 10 µs each."""
    count = _Count(wording, file)
    for chunk in _chunks(file, most):
        without = _opted_out(organisation, wording, [number for _, number, _, _ in chunk])
        for row, number, country, values in chunk:
            count.add(row, country, values, is_out=number in without)
    return count.estimate()


def estimate_of(campaign: Campaign) -> Estimate | None:
    """What was counted for the campaign as it is now; None when that is still to be done."""
    wording = wording_of(campaign)
    if wording is None or campaign.file is None or not campaign.estimate:
        return None
    estimate = Estimate(**campaign.estimate)
    return estimate if estimate.of == fingerprint_of(campaign.file, wording) else None


def measure_draft(*, organisation: Organisation, campaign_id: UUID) -> None:
    """Count for a draft and keep it there.  A draft that changed meanwhile ignores what was counted."""
    campaign = campaign_of(organisation, campaign_id)
    wording = wording_of(campaign)
    if wording is None or campaign.file is None or not campaign.file.is_read or estimate_of(campaign):
        return
    estimate = measure(file=campaign.file, wording=wording, organisation=organisation)
    Campaign.objects.filter(pk=campaign.pk).update(estimate=asdict(estimate))


def cost_of(*, organisation: Organisation, category: str, estimate: Estimate, is_test: bool = False) -> Cost:
    """What that costs now; packages are used up before the wallet.  Raises NoPrice naming the country."""
    places = {(country, category) for country in estimate.by_country}
    prices = {} if is_test else prices_now(organisation, places)
    lines = [
        CostLine(country, messages, segments, prices.get((country, category), 0))
        for country, (messages, segments) in estimate.by_country.items()
    ]
    covered = {} if is_test else _covered(organisation, category, estimate.by_country)
    total = sum((line.segments - covered.get(line.country, 0)) * line.price for line in lines)
    return Cost(lines, sum(covered.values()), total, wallet_of(organisation))


def _covered(organisation: Organisation, category: str, by_country: Mapping[str, list[int]]) -> Counter[str]:
    """Segments the allowances would pay, by country."""
    covered: Counter[str] = Counter()
    for lot in usable_allowances_of(organisation):
        left = lot.left
        for country, (_, segments) in by_country.items():
            if lot.country in ("", country) and lot.category in ("", category):
                taken = min(left, segments - covered[country])
                covered[country] += taken
                left -= taken
    return covered


def _chunks(file: RecipientFile, most: int | None) -> Iterator[list[tuple[int, str, str, Any]]]:
    rows = recipients_of(file).values_list("row", "number", "country", "values")
    last, left = 0, most
    while left is None or left > 0:
        size = CHUNK if left is None else min(CHUNK, left)
        chunk = list(rows.filter(row__gt=last)[:size])
        if chunk:
            yield chunk
        if len(chunk) < size:
            return
        last = chunk[-1][0]
        left = None if left is None else left - size


def _opted_out(organisation: Organisation, wording: Wording, numbers: list[str]) -> set[str]:
    return opted_out(organisation, numbers) if wording.version.category == "promotion" else set()


class _Count:
    """Adds up one recipient after the other."""

    def __init__(self, wording: Wording, file: RecipientFile) -> None:
        self.wording, self.file = wording, file
        self.counted = self.out = self.unusable = self.unusable_row = self.unicode = 0
        self.shortest = self.longest = self.longest_row = self.longest_text = 0
        self.problems: Counter[str] = Counter()
        self.messages: Counter[str] = Counter()
        self.segments: Counter[str] = Counter()
        self.forcing: dict[str, None] = {}

    def add(self, row: int, country: str, values: Mapping[str, str], *, is_out: bool) -> None:
        self.counted += 1
        if is_out:
            self.out += 1
            return
        try:
            made = self.wording.render(values)
        except ValueRefused as refused:
            self._add_unusable(row, refused)
            return
        self.messages[country] += 1
        self.segments[country] += made.segments
        self.shortest = min(self.shortest or made.segments, made.segments)
        if (made.segments, len(made.text)) > (self.longest, self.longest_text):
            self.longest, self.longest_text, self.longest_row = made.segments, len(made.text), row
        if made.is_unicode:
            self.unicode += 1
            if len(self.forcing) < NAMED:
                self.forcing.update(dict.fromkeys(letter for _, letter in count_segments(made.text).forcing))

    def _add_unusable(self, row: int, refused: ValueRefused) -> None:
        self.unusable += 1
        self.unusable_row = self.unusable_row or row
        self.problems.update(f"{problem.variable}:{problem.code}" for problem in refused.problems)

    def estimate(self) -> Estimate:
        return Estimate(
            of=fingerprint_of(self.file, self.wording),
            recipients=self.file.tally["valid"],
            counted=self.counted,
            messages=self.messages.total(),
            opted_out=self.out,
            unusable=self.unusable,
            unusable_row=self.unusable_row,
            problems=dict(self.problems.most_common(10)),
            segments=self.segments.total(),
            shortest=self.shortest,
            longest=self.longest,
            longest_row=self.longest_row,
            unicode=self.unicode,
            forcing=list(self.forcing)[:NAMED],
            body_forces=bool(self.unicode) and count_segments(self.wording.version.body).encoding == "ucs2",
            by_country={country: [self.messages[country], self.segments[country]] for country, _ in
                        self.messages.most_common()},
        )  # fmt: skip
