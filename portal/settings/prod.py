"""Behind TLS, for real customers.  Secrets have no default: a missing one stops the start."""

import os

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403

for name in (
    "SIGNALBOX_SECRET_KEY",
    "SIGNALBOX_FIELD_KEY",
    "DATABASE_URL",
    "SIGNALBOX_BASE_URL",
    "SIGNALBOX_ALLOWED_HOSTS",
):
    if not os.environ.get(name):
        raise ImproperlyConfigured(f"{name} must be set in production; docs/configuration.md says to what")

DEBUG = False
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]  # asked by machines next door
METRICS_NETWORKS = listed("SIGNALBOX_METRICS_NETWORKS")  # noqa: F405  (behind a proxy, loopback may be anybody)
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
if TRUSTED_PROXY_COUNT:  # noqa: F405
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
EMAIL_BACKEND = os.environ.get("SIGNALBOX_EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
if STRIPE_API_BASE and STRIPE_API_KEY.startswith("sk_live_"):  # noqa: F405
    raise ImproperlyConfigured("STRIPE_API_BASE points at a sandbox while STRIPE_API_KEY is a live key")
