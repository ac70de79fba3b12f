"""Settings every deployment shares.  Each environment variable is read here, once; docs/configuration.md lists them."""

import logging
import os
from pathlib import Path

import dj_database_url
from celery.schedules import crontab
from csp.constants import NONCE
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from portal.queues import DEFAULT, ROUTES

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(os.environ.get("SIGNALBOX_VAR", BASE_DIR / "var"))


def listed(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


SECRET_KEY = os.environ.get("SIGNALBOX_SECRET_KEY", "")
#: Fernet keys for sealed columns, newest first.
FIELD_KEYS = listed("SIGNALBOX_FIELD_KEY")
BASE_URL = os.environ.get("SIGNALBOX_BASE_URL", "http://127.0.0.1:8000")
ALLOWED_HOSTS = listed("SIGNALBOX_ALLOWED_HOSTS", "127.0.0.1,localhost,.localhost")
#: Number of reverse proxies in front whose X-Forwarded-For entries are trusted.
TRUSTED_PROXY_COUNT = int(os.environ.get("SIGNALBOX_TRUSTED_PROXY_COUNT", "0"))

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_tables2",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "kit",
    "accounts",
    "billing.ledger",
    "billing.pricing",
    "billing.packages",
    "billing.payments",
    "messaging.content",
    "messaging.recipients",
    "messaging.channels",
    "messaging.engine",
    "messaging.campaigns",
    "messaging.hooks",
    "messaging.traffic",
    "agents",
    "portal.operations",
    "portal.site",
]

MIDDLEWARE = [
    "portal.operations.metrics.http.HttpMetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "messaging.campaigns.uploads.UploadMiddleware",
    "portal.site.middleware.DatabaseTroubleMiddleware",
    "portal.operations.request_log.RequestLogMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.activity.SessionActivityMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.TenancyMiddleware",
    "portal.site.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
FORM_RENDERER = "kit.forms.ConsoleRenderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "portal.site.context.shell",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

# --- database: one PostgreSQL, three logins; docs/configuration.md says which process uses which
DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL", "postgres://signalbox_owner@localhost/signalbox"),
        engine="kit.postgresql",
        conn_max_age=600,
        conn_health_checks=True,
    )
}
LOCK_TIMEOUT = os.environ.get("SIGNALBOX_LOCK_TIMEOUT", "10s")
DATABASES["default"].setdefault("OPTIONS", {}).update(
    {
        # For kit.sql.planned_once, the only one to prepare anything: plans for all parameters.  PostgreSQL's own functions follow.
        "prepare_threshold": 0,
        "options": f"-c plan_cache_mode=force_generic_plan -c jit=off -c lock_timeout={LOCK_TIMEOUT}"
        " -c idle_in_transaction_session_timeout=60s -c app.organisation=",
    }
)
#: A hot standby that figures and exports are read from, with the web's login; empty: they are read from the primary
REPORTS_DATABASE_URL = os.environ.get("SIGNALBOX_REPORTS_DATABASE_URL", "")
REPORTS_MOST_SECONDS_BEHIND = int(os.environ.get("SIGNALBOX_REPORTS_MOST_SECONDS_BEHIND", "30"))
if REPORTS_DATABASE_URL:
    DATABASES["reports"] = dj_database_url.parse(
        REPORTS_DATABASE_URL, engine="kit.postgresql", conn_max_age=600, conn_health_checks=True
    )
    DATABASES["reports"].setdefault("OPTIONS", {}).update(
        {
            "connect_timeout": 2,
            "options": "-c jit=off -c default_transaction_read_only=on -c statement_timeout=60s"
            " -c idle_in_transaction_session_timeout=60s -c app.organisation=",
        }
    )
DATABASE_ROUTERS = ["kit.reports.ReportsRouter"]
#: A login that may replicate, for backups; empty: the embedded server's own superuser
BACKUP_DATABASE_URL = os.environ.get("SIGNALBOX_BACKUP_DATABASE_URL", "")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- cache and doorbells
CACHE_URL = os.environ.get("CACHE_URL", "redis://localhost:6379/1")
CACHES = {
    "default": {
        "BACKEND": "kit.valkey.QuickCache",
        "LOCATION": CACHE_URL,
    }
}
SESSION_ENGINE = "accounts.sessions"

# --- Celery: acknowledged late, nothing kept but ids, never an eta (due times are columns)
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "redis://localhost:6379/0")
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "max_retries": 1,  # who rings does not wait for somebody to come home
    "interval_start": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 0}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 25
CELERY_TASK_TIME_LIMIT = 30
CELERY_TASK_DEFAULT_QUEUE = DEFAULT
CELERY_TASK_ROUTES = ROUTES
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "portal.clock.HouseScheduler"
CELERY_BEAT_SCHEDULE = {
    "ring-for-ripe-messages": {"task": "messaging.engine.tasks.sweep", "schedule": 5},
    "fold-receipts": {"task": "messaging.engine.tasks.fold_receipts", "schedule": 5},
    "ask-for-late-receipts": {"task": "messaging.engine.tasks.ask_carriers", "schedule": 60},
    "expire-overdue-messages": {"task": "messaging.engine.tasks.expire_overdue", "schedule": 300},
    "make-partitions": {"task": "messaging.engine.tasks.make_partitions", "schedule": crontab(minute=7)},
    "drop-what-is-past-retention": {
        "task": "messaging.engine.tasks.drop_past_retention",
        "schedule": crontab(minute=37),
    },
    "erase-past-deadline": {"task": "messaging.engine.tasks.erase_overdue", "schedule": 300},
    "erase-recipient-files": {"task": "messaging.campaigns.tasks.erase_overdue_files", "schedule": 600},
    "note-tick": {"task": "portal.operations.tasks.note_tick", "schedule": 15},
    "check-books": {"task": "portal.operations.tasks.check_books", "schedule": crontab(hour=3, minute=17)},
    "advance-campaigns": {"task": "messaging.campaigns.tasks.sweep_campaigns", "schedule": 5},
    "squash-counters": {"task": "messaging.traffic.tasks.squash_counters", "schedule": 60},
    "deliver-webhooks": {"task": "messaging.hooks.tasks.sweep_deliveries", "schedule": 5},
    "delete-old-deliveries": {"task": "messaging.hooks.tasks.delete_old_deliveries", "schedule": crontab(minute=53)},
    "process-payment-events": {"task": "billing.payments.tasks.sweep_events", "schedule": 15},
    "reconcile-payments": {"task": "billing.payments.tasks.reconcile_payments", "schedule": 300},
    "expire-allowances": {"task": "billing.packages.tasks.expire_allowances", "schedule": crontab(minute=11)},
    "grant-missing-trials": {"task": "billing.ledger.tasks.grant_missing_trials", "schedule": 60},
    "accrue-commission": {"task": "agents.tasks.accrue_commission", "schedule": 10},
    "accrue-missed-commission": {"task": "agents.tasks.accrue_missed_commission", "schedule": crontab(minute=23)},
    "sum-up-days": {"task": "agents.tasks.sum_up_days", "schedule": 60},
}

# --- people
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignUpExtras"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Signalbox"
MFA_ADAPTER = "accounts.adapter.MfaAdapter"
USERSESSIONS_TRACK_ACTIVITY = True
USERSESSIONS_ADAPTER = "accounts.adapter.SessionsAdapter"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "site:home"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
EMAIL_BACKEND = os.environ.get("SIGNALBOX_EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_HOST = os.environ.get("SIGNALBOX_EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("SIGNALBOX_EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("SIGNALBOX_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("SIGNALBOX_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("SIGNALBOX_EMAIL_TLS", "") == "1"
DEFAULT_FROM_EMAIL = os.environ.get("SIGNALBOX_EMAIL_FROM", "Signalbox <no-reply@signalbox.localhost>")
#: Whether /dev/mail shows the mail kept in files to a browser on this machine.
SHOW_MAILBOX = False

# --- language and time: the tenant's zone is set per request
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600  # of the language switch; who is signed in keeps theirs with the profile
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["kit.formats"]

# --- static and uploaded files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR_DIR / "uploads", "file_permissions_mode": 0o600},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
UPLOAD_LIMIT_BYTES = 64 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- payments
STRIPE_API_BASE = os.environ.get("STRIPE_API_BASE", "")
STRIPE_API_KEY = os.environ.get("STRIPE_API_KEY", "")
STRIPE_WEBHOOK_SECRET = os.environ.get("STRIPE_WEBHOOK_SECRET", "")
STRIPE_API_VERSION = "2026-10-28.endive"

# --- what the house grants and expects
DEMO_CARRIER_PORT = int(os.environ.get("DEMO_CARRIER_PORT", "2775"))
TRIAL_CREDIT = "5.00"  # units of the organisation's currency
IDEMPOTENCY_DAYS = 7
MESSAGE_VALIDITY_HOURS = 72
#: Messages, with their attempts and receipts, are dropped by the day after this long.  Figures and books stay.
MESSAGE_RETENTION_DAYS = int(os.environ.get("SIGNALBOX_MESSAGE_RETENTION_DAYS", "400"))
if MESSAGE_RETENTION_DAYS < 8:
    raise ImproperlyConfigured("SIGNALBOX_MESSAGE_RETENTION_DAYS must be at least 8: messages live for days")
#: Hosts webhooks may reach although they are private, on any port: for trying them out on a laptop.
OUTBOUND_ALLOWED_PRIVATE = listed("SIGNALBOX_OUTBOUND_ALLOWED_PRIVATE")

# --- who may read /metrics: machines in these networks, and whoever has the token
METRICS_NETWORKS = listed("SIGNALBOX_METRICS_NETWORKS", "127.0.0.0/8,::1/128")
#: Where each web process keeps its counts.  prometheus_client looks for this name when it is imported.
METRICS_FOLDER = Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(VAR_DIR / "run" / "metrics")))
METRICS_TOKEN = os.environ.get("SIGNALBOX_METRICS_TOKEN", "")

# --- safety
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", NONCE],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'", STRIPE_API_BASE or "https://checkout.stripe.com", "https://checkout.stripe.com"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- API: what one key may do in a second; it may save up twice that much
API_MESSAGES_PER_SECOND = int(os.environ.get("SIGNALBOX_API_MESSAGES_PER_SECOND", "5000"))
API_REQUESTS_PER_SECOND = int(os.environ.get("SIGNALBOX_API_REQUESTS_PER_SECOND", "200"))
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["kit.api.reading.StrictJsonParser"],
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "kit.api.answer_refusal",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Signalbox API",
    "DESCRIPTION": (
        "Send text messages and hear what became of them.\n\n"
        "Every request carries a key: `Authorization: Bearer sb_live_…`. Keys that begin with `sb_test_` accept the "
        "same requests; their messages never reach a carrier and cost nothing. Everything is JSON in UTF-8; instants "
        "are ISO 8601 in UTC, amounts are text in currency units. An answer that is no success is always "
        '`{"error": {"code", "message", "details"}}`; `code` is stable.'
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {"ReviewStatusEnum": "messaging.content.models.ReviewStatus"},
    "WEBHOOKS": ["messaging.hooks.schema.MESSAGE_FINAL"],
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
}

# --- tables
DJANGO_TABLES2_TEMPLATE = "components/table.html"

# --- logs: one line of JSON each, to standard error; numbers and bodies never
LOG_FORMAT = os.environ.get("SIGNALBOX_LOG_FORMAT", "json")
#: all: the ids of a whole batch in each line; edges: the first, the last and how many
LOG_MESSAGE_IDS = os.environ.get("SIGNALBOX_LOG_MESSAGE_IDS", "all")
#: A request is one line, when it is answered; that it began is told at SIGNALBOX_LOG_LEVEL=DEBUG.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "kit.logs.JsonFormatter"},
        "console": {"()": "kit.logs.ConsoleFormatter"},
        "facts": {"()": "kit.logs.FactsFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT},
        "journal": {"class": "logging.StreamHandler", "formatter": "facts"},
    },
    "root": {"handlers": ["console"], "level": os.environ.get("SIGNALBOX_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        "signalbox.journal": {"handlers": ["journal"], "propagate": False},
    },
}
