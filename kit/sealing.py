"""Secrets we must be able to read again (carrier passwords, webhook signing keys), sealed with a key outside the database."""

import base64
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


def keyed_hash(text: str, *, length: int) -> str:
    """What is kept of something personal only to recognise it again: useless to whoever has the database alone."""
    return keyed_hashes(text, length=length)[0]


def keyed_hashes(text: str, *, length: int) -> list[str]:
    """The hash under each key of this installation, the newest first: one made before a change of keys is known again."""
    return [_keyed_hash(key, text)[:length] for key in settings.FIELD_KEYS]


def _keyed_hash(key: str, text: str) -> str:
    # A key of its own for this use: knowing a hash says nothing about what the key seals.
    own_key = hmac.digest(key.encode(), b"keyed hash", "sha256")
    return base64.urlsafe_b64encode(hmac.digest(own_key, text.encode(), "sha256")).decode()
