from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.audit import record
from accounts.errors import NoDownline, OperatorStays, WouldFormCircle
from accounts.events import organisation_created
from accounts.models import Membership, Organisation, User
from accounts.queries import upline_of
from accounts.rules.permissions import Role
from kit.errors import Invalid
from kit.events import emit

Kind, Status = Organisation.Kind, Organisation.Status


@transaction.atomic
def create_organisation(
    *,
    name: str,
    parent: Organisation | None,
    kind: Kind = Kind.CUSTOMER,
    owner: User | None = None,
    locale: str = "en",
    time_zone: str = "UTC",
    currency: str = "GBP",
    country: str = "GB",
    status: Status = Status.TRIAL,
) -> Organisation:
    """Make a tenant below `parent` (None only for the operator) and, if given, its first owner.

    The caller has made sure that it may add to `parent`.  Works in any scope: the rows are written in the
    new tenant's own.  Raises NoDownline below a customer.
    """
    if parent is not None and parent.kind == Kind.CUSTOMER:
        raise NoDownline
    organisation = Organisation(
        parent=parent, kind=kind, name=name, status=status, is_stopped=bool(parent and parent.is_stopped),
        locale=locale, time_zone=time_zone, currency=currency, country=country,
    )  # fmt: skip
    organisation.path = path_below(parent, organisation.pk)
    with organisation.scope():
        organisation.save(force_insert=True)
        if owner is not None:
            Membership.objects.create(organisation=organisation, user=owner, role=Role.OWNER)
        record(
            action="organisation.created", target=organisation, organisation=organisation,
            after={"name": name, "kind": kind, "parent": parent and parent.pk},
        )  # fmt: skip
    emit(organisation_created, sender=Organisation, organisation_id=organisation.pk)
    return organisation


def path_below(parent: Organisation | None, id: UUID) -> str:
    """The path the database will give: known beforehand, because the scope to insert in needs it."""
    return f"{parent.path}.{id.hex}" if parent else id.hex


@transaction.atomic
def update_organisation(
    *, organisation: Organisation, name: str, locale: str, time_zone: str, country: str, erase_after_days: int
) -> Organisation:
    """Change what a tenant decides about itself.  The currency stays: money is already counted in it.

    Raises Invalid for a deadline later than the one everything is dropped at.
    """
    if not 1 <= erase_after_days <= settings.MESSAGE_RETENTION_DAYS:
        raise Invalid(fields={"erase_after_days": f"From 1 to {settings.MESSAGE_RETENTION_DAYS} days."})
    new = {
        "name": name, "locale": locale, "time_zone": time_zone, "country": country, "erase_after_days": erase_after_days,
    }  # fmt: skip
    row = Organisation.objects.select_for_update().get(pk=organisation.pk)
    old = {field: getattr(row, field) for field in new}
    changed = {field: value for field, value in new.items() if old[field] != value}
    if changed:
        Organisation.objects.filter(pk=row.pk).update(**changed)
        record(
            action="organisation.updated", target=row, organisation=row,
            before={field: old[field] for field in changed}, after=changed,
        )  # fmt: skip
    for field, value in new.items():
        setattr(organisation, field, value)
    return organisation


@transaction.atomic
def suspend_organisation(*, organisation: Organisation, by: User, reason: str) -> None:
    """Stop a tenant and everything below it: nothing can be sent, bought or changed until it is resumed.

    Runs in a scope that reaches below it.  Suspending what is suspended changes nothing.
    """
    if organisation.kind == Kind.OPERATOR:
        raise OperatorStays
    target = _locked_tree(organisation)[organisation.pk]
    if target.status == Status.SUSPENDED:
        return
    Organisation.objects.filter(pk=target.pk).update(status=Status.SUSPENDED, resumes_as=target.status, is_stopped=True)
    _tree(target).update(is_stopped=True)
    _record_status("organisation.suspended", target, after=Status.SUSPENDED, by=by, reason=reason)
    organisation.refresh_from_db()


@transaction.atomic
def resume_organisation(*, organisation: Organisation, by: User, reason: str) -> None:
    """Let a tenant work again, and what is below it unless suspended itself.  It stays stopped while its upline is."""
    target = _locked_tree(organisation)[organisation.pk]
    if target.status != Status.SUSPENDED:
        return
    status = target.resumes_as or Status.ACTIVE
    Organisation.objects.filter(pk=target.pk).update(status=status, resumes_as="")
    _settle_stops(target)
    _record_status("organisation.resumed", target, after=status, by=by, reason=reason)
    organisation.refresh_from_db()


@transaction.atomic
def end_trial(*, organisation: Organisation) -> bool:
    """Count a tenant as a paying one from now on; whether this call did it.  One that is suspended will resume as that."""
    tenant = Organisation.objects.filter(pk=organisation.pk)
    if tenant.filter(status=Status.TRIAL).update(status=Status.ACTIVE):
        record(
            action="organisation.trial_ended", target=organisation, organisation=organisation,
            before={"status": Status.TRIAL}, after={"status": Status.ACTIVE},
        )  # fmt: skip
        return True
    tenant.filter(status=Status.SUSPENDED, resumes_as=Status.TRIAL).update(resumes_as=Status.ACTIVE)
    return False


@transaction.atomic
def move_organisation(*, organisation: Organisation, parent: Organisation, by: User) -> Organisation:
    """Hang a tenant, with everything below it, under another parent.

    Runs in a scope that reaches both.  Raises WouldFormCircle, and NoDownline below a customer.
    """
    if organisation.kind == Kind.OPERATOR:
        raise OperatorStays
    if parent.kind == Kind.CUSTOMER:
        raise NoDownline
    before = organisation.parent_id
    try:
        with transaction.atomic():
            Organisation.objects.filter(pk=organisation.pk).update(parent=parent)
    except IntegrityError as error:
        raise WouldFormCircle from error
    organisation.refresh_from_db()
    _settle_stops(organisation)
    organisation.refresh_from_db()
    record(
        action="organisation.moved", target=organisation, organisation=organisation,
        before={"parent": before}, after={"parent": parent.pk, "by": by.email},
    )  # fmt: skip
    return organisation


def _tree(organisation: Organisation) -> QuerySet[Organisation]:
    return Organisation.objects.filter(path__below=organisation.path)


def _locked_tree(organisation: Organisation) -> dict[UUID, Organisation]:
    # order_by("pk"): two suspensions of overlapping trees must meet the rows in the same order
    return {row.pk: row for row in _tree(organisation).select_for_update(of=("self",)).order_by("pk")}


def _settle_stops(organisation: Organisation) -> None:
    """Count again who is stopped in a tree: whoever is suspended or lies below somebody who is."""
    if any(above.status == Status.SUSPENDED for above in upline_of(organisation)):
        _tree(organisation).update(is_stopped=True)
        return
    suspended_above = Organisation.objects.filter(
        status=Status.SUSPENDED, path__above=OuterRef("path"), path__below=organisation.path
    )
    _tree(organisation).update(is_stopped=Exists(suspended_above))


def _record_status(action: str, organisation: Organisation, *, after: str, by: User, reason: str) -> None:
    record(
        action=action, target=organisation, organisation=organisation,
        before={"status": organisation.status}, after={"status": after, "by": by.email, "reason": reason},
    )  # fmt: skip
