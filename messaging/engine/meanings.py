"""What error codes mean, in words for the person who reads them."""

from typing import Any

from django.utils.translation import gettext_lazy as _

MEANINGS = {
    # carriers' own codes, as receipts carry them
    "001": _("The number is not in use or can't be reached."),
    "011": _("The subscriber is barred from receiving messages."),
    "027": _("The phone was switched off or out of reach."),
    "034": _("The carrier gave up: the message was too old."),
    "099": _("The carrier rejected the message."),
    "absent": _("The phone was switched off or out of reach."),
    # refusals of the protocol, answered to the submit
    "0x0000000b": _("The carrier does not know this number."),
    "0x0000000a": _("The carrier does not accept this sender."),
    "0x00000014": _("The queue at the carrier was full. Temporary, safe to try again."),
    "0x00000045": _("The carrier could not take the message."),
    "0x00000058": _("Too fast for the carrier. Temporary, safe to try again."),
    # ours
    "opted_out": _("The person has opted out of promotion. Nothing was sent or charged."),
    "expired": _("The carrier gave up: the message was too old."),
    "no_receipt_in_time": _("No receipt came in time. The price was returned."),
    "not_sent_in_time": _("It could not be handed to a carrier in time. The price was returned."),
    "test_refused": _("The test numbers refuse this one on purpose."),
    "unencodable": _("The text holds a character the carrier can't transport."),
    "undelivered": _("The carrier could not deliver it and gave no reason."),
    "cancelled": _("The campaign was stopped before this message left."),
    "sensitive_word": _("The text contained a word compliance does not allow."),
}


def meaning_of(code: str) -> Any:
    """A sentence, or nothing for a code we have no words for."""
    return MEANINGS.get(code) or MEANINGS.get(code.lower(), "")
