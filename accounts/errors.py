"""What this room refuses."""

from django.utils.translation import gettext_lazy as _

from kit.errors import DomainError, NotAllowed


class LastOwner(DomainError):
    code = "last_owner"
    message = _("An organisation keeps at least one owner. Make somebody else an owner first.")


class AlreadyMember(DomainError):
    code = "already_member"
    message = _("This person is already in the team.")


class InvitationUnusable(DomainError):
    code = "invitation_unusable"
    message = _("This invitation was used, withdrawn or has expired. Ask for a new one.")
    status = 404


class InvitationForSomebodyElse(NotAllowed):
    code = "invitation_for_somebody_else"
    message = _("This invitation was sent to another e-mail address. Sign in with that address to accept it.")


class RoleNotYours(NotAllowed):
    code = "role_not_yours"
    message = _("You can only give and take roles that allow no more than your own. Ask an owner.")


class NoDownline(DomainError):
    code = "no_downline"
    message = _("Only the operator and resellers can have accounts below them.")


class WouldFormCircle(DomainError):
    code = "would_form_circle"
    message = _("An organisation can't be moved below itself.")


class OperatorStays(DomainError):
    code = "operator_stays"
    message = _("The operator can't be suspended or moved.")


class OrganisationSuspended(DomainError):
    code = "organisation_suspended"
    message = _("This organisation is suspended: its data can be read, but nothing can be changed or sent.")
    status = 403


class KeyMissing(DomainError):
    code = "api_key_missing"
    message = _("Send your API key in the header: Authorization: Bearer sb_live_…")
    status = 401


class KeyUnknown(DomainError):
    code = "api_key_unknown"
    message = _("This API key does not exist.")
    status = 401


class KeyRevoked(DomainError):
    code = "api_key_revoked"
    message = _("This API key was revoked. Create a new one in the console.")
    status = 401


class KeyExpired(DomainError):
    code = "api_key_expired"
    message = _("This API key has expired. Create a new one in the console.")
    status = 401


class NetworkNotAllowed(DomainError):
    code = "network_not_allowed"
    message = _("This API key can't be used from your IP address.")
    status = 403


class ScopeMissing(DomainError):
    code = "scope_missing"
    message = _("This API key does not have the scope this address needs.")
    status = 403
