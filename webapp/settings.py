"""Settings, all from the environment; docs/settings.md says what each is for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from csp.constants import NONCE, NONE, SELF
from django.utils.functional import SimpleLazyObject

from webapp.environment import env, whole_number, yes_or_no
from webapp.logs import logging_settings
from webapp.services import folder
from webapp.services.default_storage import default_storage
from webapp.services.secret_key import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent

# What a person may set.

PIXELWISE_DATA = Path(env.str("PIXELWISE_DATA", default="") or BASE_DIR / "data").expanduser().absolute()
PIXELWISE_HOST = env.str("PIXELWISE_HOST", default="127.0.0.1")
PIXELWISE_PORT = whole_number("PIXELWISE_PORT", 8000)
PIXELWISE_DEVICE = env.str("PIXELWISE_DEVICE", default="auto")
PIXELWISE_DEMO = yes_or_no("PIXELWISE_DEMO", True)
PIXELWISE_ADMIN_EMAIL = env.str("PIXELWISE_ADMIN_EMAIL", default="")
PIXELWISE_ADMIN_PASSWORD = env.str("PIXELWISE_ADMIN_PASSWORD", default="")
PIXELWISE_LEASE_SECONDS = whole_number("PIXELWISE_LEASE_SECONDS", 60)
PIXELWISE_SWEEP_SECONDS = whole_number("PIXELWISE_SWEEP_SECONDS", 15)
PIXELWISE_UPLOAD_SECONDS = whole_number("PIXELWISE_UPLOAD_SECONDS", 7 * 24 * 3600)
PIXELWISE_PARTIAL_UPLOAD_DAYS = whole_number("PIXELWISE_PARTIAL_UPLOAD_DAYS", 7)
PIXELWISE_CHUNK_IMAGES = whole_number("PIXELWISE_CHUNK_IMAGES", 16)
PIXELWISE_MAX_FILE_MB = whole_number("PIXELWISE_MAX_FILE_MB", 200)
PIXELWISE_MAX_PIXELS = whole_number("PIXELWISE_MAX_PIXELS", 400_000_000)
PIXELWISE_EXAMPLE_DAYS = whole_number("PIXELWISE_EXAMPLE_DAYS", 14)
PIXELWISE_HTTPS = yes_or_no("PIXELWISE_HTTPS", False)
PIXELWISE_URL = env.str("PIXELWISE_URL", default="") or f"http://{PIXELWISE_HOST}:{PIXELWISE_PORT}"
PIXELWISE_REPORT_DAYS = whole_number("PIXELWISE_REPORT_DAYS", 14)
PIXELWISE_PROXY_COUNT = whole_number("PIXELWISE_PROXY_COUNT", 0)
PIXELWISE_WEB_WORKERS = whole_number("PIXELWISE_WEB_WORKERS", 2)
PIXELWISE_WEB_THREADS = whole_number("PIXELWISE_WEB_THREADS", 8)
PIXELWISE_LEDGER_PORT = whole_number("PIXELWISE_LEDGER_PORT", 0)
PIXELWISE_METRICS_TOKEN = env.str("PIXELWISE_METRICS_TOKEN", default="")
PIXELWISE_STORAGE = env.str("PIXELWISE_STORAGE", default="").strip()
PIXELWISE_STORAGE_ENDPOINT = env.str("PIXELWISE_STORAGE_ENDPOINT", default="").strip()
PIXELWISE_STORAGE_REGION = env.str("PIXELWISE_STORAGE_REGION", default="").strip()
PIXELWISE_STORAGE_KEY = env.str("PIXELWISE_STORAGE_KEY", default="")
PIXELWISE_STORAGE_SECRET = env.str("PIXELWISE_STORAGE_SECRET", default="")
PIXELWISE_STORAGE_CACHE_GB = whole_number("PIXELWISE_STORAGE_CACHE_GB", 20)
PIXELWISE_WATCH_FOLDERS = [one.strip() for one in env.list("PIXELWISE_WATCH_FOLDERS", default=[]) if one.strip()]
PIXELWISE_WATCH_SECONDS = whole_number("PIXELWISE_WATCH_SECONDS", 10)
PIXELWISE_BUCKET_ENDPOINTS = [one.strip() for one in env.list("PIXELWISE_BUCKET_ENDPOINTS", default=[]) if one.strip()]

# A machine that listens to its whole network is called by names that only its owner knows.
_every_address = PIXELWISE_HOST in ("0.0.0.0", "::")  # noqa: S104
_known_hosts = ["*"] if _every_address else ["localhost", "127.0.0.1", "[::1]", PIXELWISE_HOST]
ALLOWED_HOSTS = env.list("PIXELWISE_ALLOWED_HOSTS", default=_known_hosts)

SECRET_KEY = env.str("SECRET_KEY", default="") or SimpleLazyObject(partial(secret_key, PIXELWISE_DATA))
DEBUG = yes_or_no("PIXELWISE_DEBUG", False)
TIME_ZONE = env.str("PIXELWISE_TIME_ZONE", default="UTC")

# Services: the ones that are named, else the embedded ones of the data folder.

DATABASE_URL = env.str("DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
_embedded_database = {
    "ENGINE": "django.db.backends.postgresql",
    "HOST": str(folder.postgres_socket_folder(PIXELWISE_DATA)),
    "USER": "pixelwise",
    "NAME": "pixelwise",
}
_socket = quote(str(folder.valkey_socket(PIXELWISE_DATA)))
REDIS_CLIENT_URL = REDIS_URL or f"unix://{_socket}"

DATABASES: dict[str, dict[str, Any]] = {"default": env.db("DATABASE_URL") if DATABASE_URL else _embedded_database}
if yes_or_no("PIXELWISE_DATABASE_POOL", False):
    _pool = {"min_size": 1, "max_size": PIXELWISE_WEB_THREADS + 2, "timeout": 10}
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = _pool
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}

# Work in the background. Tasks are short and may run twice; PostgreSQL knows what is still to be done.

CELERY_BROKER_URL = REDIS_URL or f"redis+socket://{_socket}"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "cpu"
CELERY_TASK_ROUTES = {
    "webapp.tasks.segment_run": {"queue": "gpu"},
    "webapp.tasks.evaluate": {"queue": "train"},
    "webapp.tasks.export_model": {"queue": "gpu"},
    "webapp.tasks.import_model": {"queue": "gpu"},
    "webapp.tasks.train": {"queue": "train"},
    "webapp.tasks.unpack_blurred_video": {"queue": "gpu"},
}
CELERY_TASK_TIME_LIMIT = 840
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5.0
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(PIXELWISE_DATA / "run" / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "webapp.tasks.sweep",
        "schedule": float(PIXELWISE_SWEEP_SECONDS),
        "options": {"expires": float(PIXELWISE_SWEEP_SECONDS)},
    }
}

# E-mail: where no server is named, it is written to the worker's log.

_mail = env.email_url_config(env.str("EMAIL_URL", default="").strip() or "consolemail://")
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"], _mail["EMAIL_PORT"] or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"] or "", _mail["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("PIXELWISE_EMAIL_FROM", default="pixelwise@localhost")

# The site.

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "axes",
    "ninja",
    "webapp",
]
MIDDLEWARE = [
    "webapp.views.request_ids.RequestIds",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "webapp.api.errors.ApiErrorMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "webapp.views.sign_in_first.SignInFirst",
    "webapp.views.store_away.StoreAway",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "webapp.urls"
WSGI_APPLICATION = "webapp.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LANGUAGE_CODE = "en-gb"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "webapp.views.frame.frame",
            ]
        },
    }
]
LOGGING = logging_settings(as_json=yes_or_no("PIXELWISE_LOG_JSON", False))

# Files of the pages, each under a name that changes with its content.

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("PIXELWISE_STATIC", default="") or BASE_DIR / "staticfiles").absolute()
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "webapp.services.static.PlotlyFinder",
]
STORAGES = {
    # Photos, masks, models, reports; webapp/storage.py is the door to them.
    "default": default_storage(
        PIXELWISE_STORAGE,
        data=PIXELWISE_DATA,
        endpoint=PIXELWISE_STORAGE_ENDPOINT,
        region=PIXELWISE_STORAGE_REGION,
        key=PIXELWISE_STORAGE_KEY,
        secret=PIXELWISE_STORAGE_SECRET,
    ),
    "staticfiles": {
        "BACKEND": "webapp.services.static.HashedStorage",
        "OPTIONS": {"file_permissions_mode": 0o644},
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Uploads: many files in one request, each streamed to the disk it will stay on.

DATA_UPLOAD_MAX_NUMBER_FILES = None
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
FILE_UPLOAD_TEMP_DIR = str(PIXELWISE_DATA / "tmp")
FILE_UPLOAD_PERMISSIONS = 0o640
# The temporary folder is made when the web process starts, not when settings are checked. Whether a domain's other
# names speak HTTPS too, and whether browsers may list it as such, is not for one application under it to say.
SILENCED_SYSTEM_CHECKS = ["files.E001", "security.W005", "security.W021"]

# People and safety.

AUTH_USER_MODEL = "webapp.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
# What the sign-in form and authenticate() call it; by itself axes takes the user model's word for it, "email".
AXES_USERNAME_FORM_FIELD = "username"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "webapp.views.accounts.locked_out"
AXES_IPWARE_PROXY_COUNT = PIXELWISE_PROXY_COUNT
AXES_VERBOSE = False

SESSION_COOKIE_AGE = 30 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PIXELWISE_HTTPS
# Two installations on one machine differ by port only, which cookies do not see.
SESSION_COOKIE_NAME = f"pixelwise-session-{PIXELWISE_PORT}"
CSRF_COOKIE_NAME = f"pixelwise-csrf-{PIXELWISE_PORT}"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if PIXELWISE_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 30 * 24 * 3600
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF, "blob:"],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
