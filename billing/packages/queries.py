"""Reads of this room.  Each runs inside the scope its caller has entered."""

from datetime import datetime
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import Organisation
from billing.pricing.quotes import platform_of
from kit.queries import one_of

from .models import Allowance, Package, Purchase


def packages_for(organisation: Organisation) -> QuerySet[Package]:
    """The operator's catalogue in the organisation's currency."""
    return Package.objects.filter(
        organisation_id=platform_of(organisation), is_listed=True, currency=organisation.currency
    ).order_by("position", "price")


def package_for(organisation: Organisation, id: UUID) -> Package:
    """One package of the catalogue.  Raises NotFound."""
    return one_of(packages_for(organisation), pk=id)


def purchases_of(organisation: Organisation) -> QuerySet[Purchase]:
    """What was bought or is being paid, newest first.  A purchase that never reached the payment page isn't shown."""
    return (
        Purchase.objects.filter(organisation=organisation)
        .exclude(session_reference=None)
        .select_related("package", "allowance", "bought_by")
        .order_by("-pk")
    )


def purchase_of(organisation: Organisation, id: UUID) -> Purchase:
    """One purchase of the organisation's.  Raises NotFound."""
    return one_of(Purchase.objects.filter(organisation=organisation).select_related("package", "allowance"), pk=id)


def usable_allowances_of(organisation: Organisation) -> QuerySet[Allowance]:
    """What can be sent with now, in the order it will be used."""
    return (
        Allowance.objects.filter(
            organisation=organisation, withdrawn_at=None, expires_at__gt=timezone.now(), taken__lt=F("segments")
        )
        .select_related("purchase__package")
        .order_by("expires_at", "pk")
    )


def refunds_under_way() -> QuerySet[Purchase]:
    """Paid purchases whose segments were already taken back: their money has to follow.  Across tenants."""
    return Purchase.objects.filter(status=Purchase.Status.PAID, allowance__withdrawn_at__isnull=False)


def unpaid_purchases(*, before: datetime) -> QuerySet[Purchase]:
    """Purchases started before an instant that nobody paid as far as we know, the longest unchecked first."""
    return Purchase.objects.filter(status=Purchase.Status.PENDING, created_at__lt=before).order_by(
        F("checked_at").asc(nulls_first=True), "pk"
    )
