"""What we decide about allauth's pages and mail."""

from collections.abc import Collection

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest

from kit.sealing import seal, unseal

from . import audit
from .actions import end_sessions
from .addresses import client_address
from .models import User


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up fills our own person; everything else is allauth's own way."""

    def save_user(self, request: HttpRequest, user: User, form, commit: bool = True) -> User:
        user.name = form.cleaned_data.get("name", "")
        user.locale = getattr(request, "LANGUAGE_CODE", settings.LANGUAGE_CODE)
        user = super().save_user(request, user, form, commit=commit)
        audit.act(audit.person(user, address=client_address(request)))
        return user

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or super().get_client_ip(request)


class SessionsAdapter(DefaultUserSessionsAdapter):
    """Ends sessions together; allauth would ask for each."""

    def end_sessions(self, sessions: Collection[UserSession]) -> None:
        end_sessions(sessions=sessions)


class MfaAdapter(DefaultMFAAdapter):
    """Authenticator secrets are sealed with the house's field key."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)

    def get_totp_issuer(self) -> str:
        return settings.MFA_TOTP_ISSUER
