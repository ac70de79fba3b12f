"""Every write of this room.  Buying starts in the buyer's scope; what money does to it runs as the engine."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actions import end_trial
from accounts.audit import record
from accounts.models import Organisation, User
from billing.ledger.actions import account_of, transfer
from billing.ledger.models import Account, Reason
from billing.pricing.quotes import platform_of
from kit.errors import Invalid
from kit.events import emit
from kit.money import Micros, from_minor, money
from kit.queries import one_of

from .errors import AmountOutOfRange, NotForSale, NotRefundable, PaymentMismatch
from .events import purchase_paid, purchase_refunded
from .models import Allowance, Package, Purchase

Kind, Status = Purchase.Kind, Purchase.Status

LEAST_TOP_UP, MOST_TOP_UP = money("5"), money("50000")


@dataclass(frozen=True, slots=True)
class Payment:
    """What somebody says was paid, in their own units: minor units and a lower-case currency code."""

    purchase_id: UUID
    amount: int
    currency: str
    is_live: bool
    session_reference: str
    payment_reference: str


def start_purchase(
    *, organisation: Organisation, package: Package | None = None, amount: Micros | None = None, by: User
) -> Purchase:
    """Begin to buy a package, or to top the wallet up by an amount.  Nothing is granted before it is paid.

    The price is the package's own, never the buyer's word.  Raises NotForSale, AmountOutOfRange.
    """
    if package is not None:
        amount = _price(organisation, package)
    elif amount is None or not LEAST_TOP_UP <= amount <= MOST_TOP_UP or amount % money("0.01"):
        raise AmountOutOfRange(least=str(LEAST_TOP_UP), most=str(MOST_TOP_UP))
    return Purchase.objects.create(
        organisation=organisation,
        kind=Kind.PACKAGE if package else Kind.TOP_UP,
        package=package,
        amount=amount,
        currency=organisation.currency,
        is_live=takes_real_money(),
        bought_by=by,
    )


def takes_real_money() -> bool:
    """Whether our key at Stripe is a live one."""
    return "_live_" in settings.STRIPE_API_KEY


@transaction.atomic
def complete_purchase(*, payment: Payment) -> bool:
    """Grant what a payment bought, once; whether this call did it.

    The payment is compared with what we asked for.  Raises PaymentMismatch naming what differs: nothing is granted
    then.  Raises NotFound for a purchase that isn't ours.  A purchase we had given up as expired is granted too:
    the money is there.
    """
    purchase = _locked(payment.purchase_id)
    _compare(purchase, payment)
    if purchase.status not in (Status.PENDING, Status.EXPIRED):
        return False
    purchase.status, purchase.paid_at = Status.PAID, timezone.now()
    purchase.session_reference = payment.session_reference
    purchase.payment_reference = payment.payment_reference
    purchase.save(update_fields=["status", "paid_at", "session_reference", "payment_reference"])
    _grant(purchase)
    end_trial(organisation=purchase.organisation)
    record(
        action="purchase.paid",
        target=purchase,
        organisation=purchase.organisation,
        after={"kind": purchase.kind, "amount": purchase.amount, "currency": purchase.currency},
    )
    emit(purchase_paid, sender=Purchase, purchase_id=purchase.pk)
    return True


def expire_purchase(*, purchase_id: UUID) -> bool:
    """Give up on a purchase nobody paid; whether this call did it."""
    return bool(Purchase.objects.filter(pk=purchase_id, status=Status.PENDING).update(status=Status.EXPIRED))


@transaction.atomic
def withdraw_purchase(*, purchase: Purchase) -> None:
    """Take a package back before its money is returned, so that nothing of it can be used in between.

    Raises NotRefundable unless it is paid and wholly unused; nothing has changed then.
    """
    # Locked first: an UPDATE over this join looks for unused ones in a subquery, which does not look again after waiting.
    unused = (
        Allowance.objects.select_for_update(no_key=True, of=("self",))
        .filter(purchase=purchase, purchase__status=Status.PAID, withdrawn_at=None, taken=0)
        .filter(expires_at__gt=timezone.now())
        .first()
    )
    if unused is None:
        raise NotRefundable(_why_not(purchase))
    Allowance.objects.filter(pk=unused.pk).update(withdrawn_at=timezone.now())
    record(action="purchase.withdrawn", target=purchase, organisation=purchase.organisation)


def reinstate_purchase(*, purchase_id: UUID) -> None:
    """The money could not be returned: what was bought is there again."""
    Allowance.objects.filter(purchase=purchase_id, purchase__status=Status.PAID).update(withdrawn_at=None)


@transaction.atomic
def record_refund(*, purchase_id: UUID, payment_reference: str, refunded: int, currency: str) -> bool:
    """Write down that `refunded` minor units of a purchase have gone back in all; whether that was news.

    All of it takes back what was bought.  A part, given by hand at Stripe, moves its money only.
    Raises PaymentMismatch when the payment isn't that purchase's or the sum is above it, and InsufficientBalance when
    a top-up was spent already: nothing has changed then, and a person has to decide.
    """
    purchase = _locked(purchase_id)
    total = from_minor(refunded)
    if purchase.payment_reference != payment_reference or currency.upper() != purchase.currency:
        raise PaymentMismatch(purchase=str(purchase_id), payment=payment_reference)
    if total > purchase.amount:
        raise PaymentMismatch(purchase=str(purchase_id), refunded=refunded)
    if total <= purchase.refunded_amount:
        return False
    _return_money(purchase, total)
    purchase.refunded_amount = total
    if total == purchase.amount:
        purchase.status, purchase.refunded_at = Status.REFUNDED, timezone.now()
        Allowance.objects.filter(purchase=purchase, withdrawn_at=None).update(withdrawn_at=timezone.now())
        emit(purchase_refunded, sender=Purchase, purchase_id=purchase.pk)
    purchase.save(update_fields=["refunded_amount", "status", "refunded_at"])
    record(
        action="purchase.refunded",
        target=purchase,
        organisation=purchase.organisation,
        after={"refunded": total, "currency": purchase.currency},
    )
    return True


def create_package(
    *,
    organisation: Organisation,
    name: str,
    segments: int,
    price: Micros,
    currency: str,
    bonus_segments: int = 0,
    name_zh: str = "",
    category: str = "",
    country: str = "",
    valid_days: int = 365,
    position: int = 0,
) -> Package:
    """Put a package into the seller's catalogue.  It never changes: another price or size is another package."""
    if price <= 0 or segments <= 0 or price % money("0.01"):
        raise Invalid(fields={"price": _("A package sells something, for whole cents.")})
    return Package.objects.create(
        organisation=organisation,
        name=name,
        name_zh=name_zh,
        segments=segments,
        bonus_segments=bonus_segments,
        price=price,
        currency=currency,
        category=category,
        country=country,
        valid_days=valid_days,
        position=position,
    )


def retire_package(*, package: Package) -> None:
    """Take a package out of the catalogue.  What was bought stays as it is."""
    Package.objects.filter(pk=package.pk).update(is_listed=False)


def _price(organisation: Organisation, package: Package) -> Micros:
    sold = package.is_listed and package.organisation_id == platform_of(organisation)
    if not sold or package.currency != organisation.currency:
        raise NotForSale
    return Micros(package.price)


def _why_not(purchase: Purchase) -> str:
    if purchase.kind != Kind.PACKAGE:
        return _("A top-up stays in the wallet. Ask support if it was paid by mistake.")
    allowance = Allowance.objects.filter(purchase=purchase).first()
    if allowance is None:
        return _("Only a paid package can be refunded.")
    if allowance.withdrawn_at:
        return _("This package was given back already.")
    if allowance.taken:
        return _("Messages were sent from this package already, so it can't be refunded.")
    return _("This package has expired, so it can't be refunded.")


def _locked(purchase_id: UUID) -> Purchase:
    purchases = Purchase.objects.select_for_update(of=("self",)).select_related("organisation", "package")
    return one_of(purchases, pk=purchase_id)


def _compare(purchase: Purchase, payment: Payment) -> None:
    paid = (from_minor(payment.amount), payment.currency.upper(), payment.is_live)
    asked = (purchase.amount, purchase.currency, purchase.is_live)
    if paid != asked:
        raise PaymentMismatch(purchase=str(purchase.pk), paid=list(paid), asked=list(asked))
    if purchase.session_reference not in (None, payment.session_reference):
        raise PaymentMismatch(purchase=str(purchase.pk), session=payment.session_reference)


def _grant(purchase: Purchase) -> None:
    if purchase.kind == Kind.PACKAGE:
        package = purchase.package
        Allowance.objects.create(
            organisation=purchase.organisation,
            purchase=purchase,
            category=package.category,
            country=package.country,
            segments=package.total_segments,
            expires_at=purchase.paid_at + timedelta(days=package.valid_days),
        )
    clearing, earned = _both_ends(purchase)
    transfer(
        source=clearing,
        target=earned,
        amount=purchase.amount,
        reason=Reason.PACKAGE_SALE if purchase.kind == Kind.PACKAGE else Reason.TOP_UP,
        reference=f"purchase:{purchase.pk}",
        subject=f"purchase:{purchase.pk}",
    )


def _return_money(purchase: Purchase, total: Micros) -> None:
    clearing, earned = _both_ends(purchase)
    transfer(
        source=earned,
        target=clearing,
        amount=total - purchase.refunded_amount,
        reason=Reason.REFUND,
        reference=f"refund:{purchase.pk}:{total}",
        subject=f"purchase:{purchase.pk}",
    )


def _both_ends(purchase: Purchase) -> tuple[Account, Account]:
    """Where a purchase's money came in, and where it went."""
    house = Organisation(pk=platform_of(purchase.organisation))
    clearing = account_of(house, Account.Kind.CLEARING, purchase.currency)
    if purchase.kind == Kind.PACKAGE:
        return clearing, account_of(house, Account.Kind.REVENUE, purchase.currency)
    return clearing, account_of(purchase.organisation, Account.Kind.WALLET, purchase.currency)
