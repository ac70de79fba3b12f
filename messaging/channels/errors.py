from django.utils.translation import gettext_lazy as _

from kit.errors import DomainError


class NoRoute(DomainError):
    """No channel carries messages to this country in this category; `details` names both."""

    code = "no_route"
    message = _("No carrier is connected for this destination yet.")


class ChannelSettingsInvalid(DomainError):
    """`details["fields"]` maps each setting to what is wrong with it."""

    code = "channel_settings_invalid"
    message = _("Some settings of the channel can't be used.")
