"""Generated secrets of this installation: one file each, readable by their owner alone."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from portal.stack.errors import StackError


class Keyring:
    """Makes a secret the first time it is asked for and gives the same one ever after."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def password(self, name: str) -> str:
        """A secret that needs no quoting in a URL, a configuration file or SQL."""
        return self._kept(name, lambda: secrets.token_urlsafe(32))

    def field_key(self, name: str) -> str:
        """32 random bytes as URL-safe base64, the form of a Fernet key."""
        return self._kept(name, lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        path = self.folder / name
        try:
            kept = path.read_text().strip() if path.exists() else ""
            return kept or write_private(path, make())
        except OSError as error:
            raise StackError(f"The secret {path} cannot be read or written: {error.strerror}.") from error


def write_private(path: Path, text: str) -> str:
    """Write a file its owner alone can read, whole or not at all, and return what was written."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return text


def in_url(text: str) -> str:
    """A login, password or socket path as one piece of an address."""
    return quote(text, safe="")
