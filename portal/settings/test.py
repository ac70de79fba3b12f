"""Tests: real PostgreSQL and Valkey started by `bin/test`; tasks run where they are sent."""

import os

from .base import *  # noqa: F403

SECRET_KEY = "tests-only-" + "0" * 50  # noqa: S105
FIELD_KEYS = ["dGVzdHMtb25seS1maWVsZC1rZXktMzItYnl0ZXMtIS4="]
ALLOWED_HOSTS = ["*"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}  # noqa: F405
# pytest's workers share one Valkey: a ring that waits for an answer in one must not keep another from ringing
CACHES["default"]["KEY_PREFIX"] = os.environ.get("PYTEST_XDIST_WORKER", "")  # noqa: F405
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
STRIPE_API_KEY = STRIPE_API_KEY or "sk_test_tests"  # noqa: F405
STRIPE_WEBHOOK_SECRET = STRIPE_WEBHOOK_SECRET or "whsec_tests"  # noqa: F405
ACCOUNT_RATE_LIMITS = False
LOGGING = {**LOGGING, "root": {"handlers": ["console"], "level": "WARNING"}}  # noqa: F405
