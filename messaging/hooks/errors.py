"""This room's refusals."""

from django.utils.translation import gettext_lazy as _

from kit.errors import DomainError


class TooManyWebhooks(DomainError):
    code = "too_many_webhooks"
    message = _("An account can have ten webhooks. Remove one that is no longer used.")


class WebhookOff(DomainError):
    code = "webhook_off"
    message = _("This webhook is switched off. Switch it on first.")
    status = 409
