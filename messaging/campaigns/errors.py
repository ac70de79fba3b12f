"""This room's refusals."""

from django.utils.translation import gettext_lazy as _

from billing.ledger.errors import InsufficientBalance
from kit.errors import DomainError
from kit.money import units


class FileTooLarge(DomainError):
    """`details["limit"]` is in bytes."""

    code = "file_too_large"
    message = _("The file is too large. Split it and import the parts one after the other.")
    status = 413


class FileEmpty(DomainError):
    code = "file_empty"
    message = _("The file is empty. Choose the file with the phone numbers.")


class FileNotReady(DomainError):
    """Its rows are still being read; `details["rows_read"]` tells how far."""

    code = "file_not_ready"
    message = _("The file is still being read. Try again in a moment.")
    status = 409


class FileUnreadable(DomainError):
    """It was refused; `details["why"]` is the reason's code."""

    code = "file_unreadable"
    message = _("The file can't be read, so there is nobody to send to. Upload another one.")


class FileInUse(DomainError):
    code = "file_in_use"
    message = _("A campaign was started with this file, so how it is read stays as it is. Upload the file again.")
    status = 409


class NobodyToSendTo(DomainError):
    code = "no_recipients"
    message = _("The file has no number a message can be sent to.")


class NotADraftCampaign(DomainError):
    """`details["status"]` is what it is instead."""

    code = "campaign_not_a_draft"
    message = _("This campaign was started already. Nothing was changed.")
    status = 409


class CampaignIncomplete(DomainError):
    """`details["missing"]` lists what is still to be chosen: file, template, sender, variables."""

    code = "campaign_incomplete"
    message = _("The campaign is not complete yet.")


class NotNow(DomainError):
    """The campaign's state does not allow it; `details["status"]` is that state."""

    code = "campaign_state"
    message = _("The campaign is no longer in a state that allows this.")
    status = 409


class BalanceTooLow(InsufficientBalance):
    """The whole campaign costs more than the wallet holds; the details say how much is missing."""

    message = _("The wallet does not hold enough for this campaign. Top it up; the draft is kept.")

    def __init__(self, *, needed: int, available: int, currency: str) -> None:
        super().__init__(needed=needed, available=available, currency=currency)
        self.shortfall = needed - available
        self.details = {**self.details, "shortfall": str(units(self.shortfall))}
