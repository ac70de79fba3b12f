"""Every read of the ledger worth a name."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, Sum

from accounts.models import Organisation
from kit.ids import uuid7_at
from kit.money import Micros

from .models import Account, Reason, Transfer


@dataclass(frozen=True, slots=True)
class Wallet:
    """An organisation's spending power.  `held` is set aside for messages on their way and no longer in `balance`."""

    account_id: UUID | None
    currency: str
    balance: Micros
    credit_line: Micros
    held: Micros

    @property
    def available(self) -> Micros:
        return Micros(self.balance + self.credit_line)


def wallet_of(organisation: Organisation) -> Wallet:
    """The wallet in the organisation's currency; an empty one when nothing was ever paid in."""
    rows = Account.objects.filter(
        organisation=organisation, currency=organisation.currency, kind__in=Account.WITH_FLOOR
    )
    pots = {pot.kind: pot for pot in rows}
    wallet, held = pots.get(Account.Kind.WALLET), pots.get(Account.Kind.HOLD)
    return Wallet(
        account_id=wallet.pk if wallet else None,
        currency=organisation.currency,
        balance=wallet.balance if wallet else 0,
        credit_line=-wallet.floor if wallet else 0,
        held=held.balance if held else 0,
    )


def balance_of(account: Account) -> Micros:
    """What has come in less what has gone out, by the transfers themselves."""
    return _sum(Transfer.objects.filter(target=account)) - _sum(Transfer.objects.filter(source=account))


def spent_since(organisation: Organisation, since: datetime) -> Micros:
    """What delivered messages cost the organisation's wallet from an instant on."""
    return _sum(
        Transfer.objects.filter(
            source__organisation=organisation,
            source__kind=Account.Kind.HOLD,
            source__currency=organisation.currency,
            reason__in=(Reason.SETTLE, Reason.MARGIN),
            id__gte=first_id_at(since),
        )
    )


def movements_of(account_id: UUID):
    """The transfers that touched an account."""
    return Transfer.objects.filter(Q(source=account_id) | Q(target=account_id))


def first_id_at(moment: datetime) -> UUID:
    """The smallest id of that millisecond: ids are times."""
    return UUID(int=uuid7_at(int(moment.timestamp() * 1000)).int >> 80 << 80)


def _sum(transfers) -> Micros:
    return transfers.aggregate(total=Sum("amount"))["total"] or 0
