"""The credit a new tenant gets to try the house.  Runs as the engine: it is the operator's money."""

from uuid import UUID

from django.conf import settings
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat

from accounts.models import Organisation
from kit.money import money

from .actions import accounts_of, transfer
from .models import Account, Reason, Transfer

REFERENCE = "trial:"


def grant_trial(*, organisation_id: UUID) -> Transfer | None:
    """Put the trial credit into the wallet of a tenant on trial, once in its life.  Nothing for anybody else."""
    organisation = _on_trial().filter(pk=organisation_id).first()
    if organisation is None:
        return None
    house = UUID(organisation.path.partition(".")[0])
    promotion = (house, Account.Kind.PROMOTION, organisation.currency)
    wallet = (organisation.pk, Account.Kind.WALLET, organisation.currency)
    pots = accounts_of([promotion, wallet])
    return transfer(
        source=pots[promotion],
        target=pots[wallet],
        amount=money(settings.TRIAL_CREDIT),
        reason=Reason.TRIAL,
        reference=f"{REFERENCE}{organisation.pk}",
    )


def without_trial(*, limit: int = 100) -> list[UUID]:
    """Tenants on trial who never got their credit."""
    own_reference = Concat(Value(REFERENCE), Cast(OuterRef("pk"), CharField()))
    granted = Transfer.objects.filter(reference=own_reference)
    return list(_on_trial().exclude(Exists(granted)).order_by("pk").values_list("pk", flat=True)[:limit])


def _on_trial():
    return Organisation.objects.filter(status=Organisation.Status.TRIAL).exclude(kind=Organisation.Kind.OPERATOR)
