"""The embedded default: `bin/up` on a laptop.  Real everything, plain HTTP on loopback."""

from .base import *  # noqa: F403

DEBUG = False
SECRET_KEY = SECRET_KEY or "only-for-a-laptop-" + "0" * 40  # noqa: F405, S105
FIELD_KEYS = FIELD_KEYS or ["c2lnbmFsYm94LWxhcHRvcC1vbmx5LWtleS0zMmJ5dGU="]  # noqa: F405
SHOW_MAILBOX = EMAIL_BACKEND.endswith("filebased.EmailBackend")  # noqa: F405
