"""The mail of this room beside allauth's."""

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation

from .models import Invitation


def send_invitation(invitation: Invitation, *, link: str) -> None:
    """Send the link of an invitation to its address, in the organisation's language."""
    with translation.override(invitation.organisation.locale):
        words = {"invitation": invitation, "organisation": invitation.organisation, "link": link}
        subject = render_to_string("accounts/email/invitation_subject.txt", words)
        text = render_to_string("accounts/email/invitation_message.txt", words)
    send_mail(" ".join(subject.split()), text, settings.DEFAULT_FROM_EMAIL, [invitation.email])
