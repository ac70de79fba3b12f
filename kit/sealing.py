"""Secrets we must be able to read again (carrier passwords, webhook signing keys), sealed with a key outside the database."""

import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])


def seal(text: str) -> str:
    """Encrypt and authenticate (AES-CBC with HMAC, the Fernet scheme) under the newest key."""
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text again.  Raises ValueError when no configured key opens it."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise ValueError("sealed with a key this installation does not have") from None


def new_token(bytes: int = 32) -> str:
    """A fresh secret with that many random bytes, safe in URLs."""
    return secrets.token_urlsafe(bytes)


def fingerprint(token: str) -> str:
    """What we store of a high-entropy token we only need to recognise: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())
