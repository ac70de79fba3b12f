from django.utils.translation import gettext_lazy as _

from kit.errors import DomainError


class MessagesRefused(DomainError):
    """Some of the messages can't be accepted; `details["messages"]` names each by index, field, code and problem."""

    code = "messages_refused"
    message = _("Some messages can't be accepted. Nothing was sent.")


class OrganisationStopped(DomainError):
    code = "organisation_suspended"
    message = _("This account is suspended, so nothing can be sent from it.")
    status = 403


class KeyReused(DomainError):
    code = "idempotency_key_reused"
    message = _("This Idempotency-Key was used for a different request.")
