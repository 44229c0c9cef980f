"""All settings of an installation. Each one is an environment variable, read below by `env` and listed in
docs/operating.md.

Invalid settings stop startup, with all errors at once; nothing is silently replaced by a default.
"""

import re
from pathlib import Path
from urllib.parse import quote

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError, ValidationError, validate

from pharos.databases import database_settings, replica_settings, validate_database_url, validate_replica_urls
from pharos.operations.logs import FORMATTERS
from workitems import lifecycle

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_LENGTH = 50

DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
HOST = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)
ORIGIN = re.compile(rf"https?://({HOST.pattern})(:[0-9]{{1,5}})?", re.IGNORECASE)


def validate_no_wildcard(hosts):
    if any("*" in host or host.startswith(".") for host in hosts):
        raise ValidationError("list each host in full; a wildcard would let other sites impersonate this one")


def validate_hosts(hosts):
    validate_no_wildcard(hosts)
    for host in hosts:
        if not HOST.fullmatch(host):
            raise ValidationError(
                f"“{host}” is not a host name; leave out https://, port, and path, as in pharos.example.org"
            )


def validate_origins(values):
    validate_no_wildcard(values)
    for value in values:
        if not ORIGIN.fullmatch(value):
            raise ValidationError(
                f"“{value}” is not a base address; use https:// and the host, as in https://pharos.example.org"
            )


def validate_origin(value):
    if value:
        validate_origins([value])


def validate_web_address(value):
    if value and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        raise ValidationError(f"“{value}” is not a web address; use one such as https://docs.example.org/depositors")


def validate_domain(name):
    if not DOMAIN.fullmatch(name):
        raise ValidationError(f"“{name}” is not a domain; use one in lowercase, such as aptrust.org")


def validate_secrets(values):
    if any(len(value) < SECRET_LENGTH for value in values):
        raise ValidationError(f"list earlier values of SECRET_KEY, each of at least {SECRET_LENGTH} characters")


def validate_queue_url(value):
    if value and not ORIGIN.fullmatch(value):
        raise ValidationError(f"“{value}” is not the HTTP address of nsqd; use one such as http://127.0.0.1:4151")


def checked_by(check):
    """A validator out of a check that raises ValueError."""

    def validator(value):
        try:
            check(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    return validator


def validate_bucket_pattern(pattern):
    if not re.fullmatch(r"[a-z0-9.-]*(\{identifier\}[a-z0-9.-]*)?", pattern) or not pattern:
        raise ValidationError(
            f"“{pattern}” is not the name of a bucket; {{identifier}} stands for the institution's domain, as in "
            "aptrust.receiving.{identifier}"
        )


# Deferred, so that one start reports every invalid variable instead of only the first.
env = Env(eager=False)
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [], subcast=str.strip, validate=validate_secrets)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", [], subcast=str.strip, validate=validate_hosts)
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [], subcast=str.strip, validate=validate_origins)
HTTPS = env.bool("HTTPS", None)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, validate=validate.Range(0, 10))
DATABASE_URL = env.str(
    "DATABASE_URL", f"sqlite:///{quote(str(BASE_DIR / 'pharos.sqlite3'))}", validate=validate_database_url
)
DATABASE_REPLICA_URL: list[str] = env.list(
    "DATABASE_REPLICA_URL", [], subcast=str.strip, validate=validate_replica_urls
)
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 8, validate=validate.Range(1, 200))
DATABASE_PGBOUNCER = env.bool("DATABASE_PGBOUNCER", False)
EMAIL_HOST = env.str("EMAIL_HOST", "")
EMAIL_PORT = env.int("EMAIL_PORT", 587, validate=validate.Range(1, 65535))
EMAIL_HOST_USER = env.str("EMAIL_USER", "")
EMAIL_TIMEOUT = 10  # seconds; otherwise a mail server that hangs would block whoever sends the email
EMAIL_HOST_PASSWORD = env.str("EMAIL_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", True)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "pharos@localhost", validate=validate.Email())
CONSORTIUM_DOMAIN = env.str("CONSORTIUM_DOMAIN", "aptrust.org", validate=validate_domain)
RECEIVING_BUCKET = env.str("RECEIVING_BUCKET", "aptrust.receiving.{identifier}", validate=validate_bucket_pattern)
RESTORE_BUCKET = env.str("RESTORE_BUCKET", "aptrust.restore.{identifier}", validate=validate_bucket_pattern)
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", "help@aptrust.org", validate=validate.Email())
HELP_URL = env.str("HELP_URL", "", validate=validate_web_address)
API_KEY_DAYS = env.int("API_KEY_DAYS", 0, validate=validate.Range(0, 3650))
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", 0, validate=validate.Range(0, 10_080))
API_CALLS_PER_MINUTE = env.int("API_CALLS_PER_MINUTE", 600, validate=validate.Range(1))
API_CALLS_PER_MINUTE_SERVICES = env.int("API_CALLS_PER_MINUTE_SERVICES", 60_000, validate=validate.Range(1))
SITE_URL = env.str("SITE_URL", "", validate=validate_origin)
WORKITEM_NOTE_CHARACTERS = env.int("WORKITEM_NOTE_CHARACTERS", 1_000_000, validate=validate.Range(1000, 10_000_000))
WORKITEM_TAKEOVER_MINUTES = env.int("WORKITEM_TAKEOVER_MINUTES", 15, validate=validate.Range(1, 10_080))
SILENT_HOURS_PARTS: list[str] = env.list("WORKITEM_SILENT_HOURS", [], validate=checked_by(lifecycle.read_silent_hours))
WORKITEM_QUEUE_STAGES: list[str] = env.list(
    "WORKITEM_QUEUE_STAGES", [], subcast=str.strip, validate=checked_by(lifecycle.check_queue_stages)
)
WORKITEM_QUEUE_URL = env.str("WORKITEM_QUEUE_URL", "", validate=validate_queue_url)
QUEUE_TOPIC_PAIRS: list[str] = env.list("WORKITEM_QUEUE_TOPICS", [], validate=checked_by(lifecycle.read_topics))
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))
LOG_FORMAT = env.str("LOG_FORMAT", "text", validate=validate.OneOf(list(FORMATTERS)))


def queue_topics():
    """The table that WORKITEM_QUEUE_TOPICS replaces as a whole."""
    return lifecycle.read_topics(QUEUE_TOPIC_PAIRS) or lifecycle.PRESENT_TOPICS


def configuration_errors():
    """Every invalid or missing setting as one line, `NAME: what is wrong`."""
    found: dict[str, list[str]] = {}
    try:
        env.seal()
    except EnvError as error:
        found |= getattr(error, "error_messages", None) or {"environment": [str(error)]}
    if not DEBUG and len(SECRET_KEY or "") < SECRET_LENGTH:
        sentence = f"use at least {SECRET_LENGTH} random characters (there is no default unless DEBUG is true)"
        found.setdefault("SECRET_KEY", [sentence])
    if not DEBUG and not ALLOWED_HOSTS:
        found.setdefault("ALLOWED_HOSTS", ["list the host names of this installation, separated by commas"])
    if DATABASE_REPLICA_URL and str(DATABASE_URL).startswith("sqlite:"):
        found.setdefault(
            "DATABASE_REPLICA_URL",
            ["SQLite has no standbys: set DATABASE_URL to a PostgreSQL server, or leave this out"],
        )
    if WORKITEM_QUEUE_URL and not found.keys() & {"WORKITEM_QUEUE_STAGES", "WORKITEM_QUEUE_TOPICS"}:
        try:
            lifecycle.check_served(WORKITEM_QUEUE_STAGES, queue_topics())
        except ValueError as error:
            found["WORKITEM_QUEUE_TOPICS"] = [str(error)]
    for name, messages in found.items():
        yield f"{name}: {' '.join(map(str, messages))}"


if wrong := list(configuration_errors()):
    raise ImproperlyConfigured("Invalid environment settings:\n  " + "\n  ".join(wrong))

WORKITEM_QUEUE_TOPICS = queue_topics()
WORKITEM_SILENT_HOURS = lifecycle.read_silent_hours(SILENT_HOURS_PARTS)
if DEBUG:
    SECRET_KEY = SECRET_KEY or "for-debugging-on-this-machine-only-never-in-production"
    ALLOWED_HOSTS = ALLOWED_HOSTS or ["127.0.0.1", "localhost", "[::1]"]
HTTPS = (not DEBUG) if HTTPS is None else HTTPS

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "csp",
    "django_filters",
    "django_tables2",
    "pharos.email_queue",
    "pharos.operations",
    "pharos.accounts",
    "pharos.announcements",
    "workitems",
]

MIDDLEWARE = [
    "pharos.operations.requests.RequestMiddleware",
    "workitems.api.middleware.ApiMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "pharos.middleware.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "pharos.accounts.known_browsers.KnownBrowserMiddleware",
    "pharos.replicas.reading.ReadYourWrites",
    "pharos.accounts.middleware.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "pharos.accounts.idle.IdleMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "pharos.middleware.ErrorAndCacheMiddleware",
    "pharos.accounts.authorization.PermissionMiddleware",
]

ROOT_URLCONF = "pharos.urls"
WSGI_APPLICATION = "pharos.wsgi.application"
APPEND_SLASH = False

CONTEXT_PROCESSORS = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
    "pharos.accounts.context.page_context",
    "pharos.announcements.context.announcements",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "environment": "pharos.templating.environment",
            "extensions": [
                "jinja2.ext.i18n",
                "workitems.pages.template_helpers.TemplateHelpers",
                # The sign-in page offers the demo's accounts; in production, no code of the demo is loaded.
                *(["workitems.demo.sign_in.DemoAccounts"] if DEBUG else []),
            ],
            "context_processors": CONTEXT_PROCESSORS,
        },
    },
    # For the admin site and libraries.
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates/admin_site"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": CONTEXT_PROCESSORS},
    },
]

DATABASES = {"default": database_settings(DATABASE_URL, pool=DATABASE_POOL_SIZE, behind_pgbouncer=DATABASE_PGBOUNCER)}
for number, url in enumerate(DATABASE_REPLICA_URL, 1):
    DATABASES[f"standby{number}"] = replica_settings(url, behind_pgbouncer=DATABASE_PGBOUNCER)
# Rate limits are stored here; if each process kept them in memory, N processes would allow N times as many attempts.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "pharos_cache",
        # With Django's default of 300, an attacker trying many names would push out the counts of their own attempts.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["pharos.accounts.backends.PeopleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "pharos.accounts.password_rules.GuessablePasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
DEMO_PASSWORD = "lighthouse"  # noqa: S105  public, so PeopleBackend refuses it unless DEBUG is on
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "pharos.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "pharos.accounts.forms.SignInForm",
    "reset_password": "pharos.accounts.forms.ForgottenPasswordForm",
    "reset_password_from_key": "pharos.accounts.forms.NewPasswordForm",
}
# Of attempts to sign in, counted by pharos.accounts.sign_in_limits, which explains them. allauth's own ("login" and
# "login_failed") would let a stranger lock a person out from anywhere, and lose what was typed.
ACCOUNT_RATE_LIMITS: dict[str, str | None] = {
    "login": None,
    "login_failed": None,
    "sign_in": "30/m/ip",
    "sign_in_failed": "10/m/ip",
    "sign_in_failed_at_place": "5/5m/key",
    "sign_in_failed_in_total": "50/h/key",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Otherwise anyone could make this installation send email to a stranger.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
# Depends on the account's address only. allauth's would also write its own list of addresses.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Pharos] "
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

LANGUAGE_CODE = "en"
# The last one uses the Spanish translations, with numbers as written in Mexico: 1,234.5.
LANGUAGES = [("en", "English"), ("es", "Español"), ("es-mx", "Español (México)")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# With DEBUG, files are served from their sources, otherwise from where `collectstatic` has put them.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = DEBUG

EMAIL_BACKEND = "pharos.email_queue.backend.QueueBackend"
EMAIL_SEND_AT_ONCE = True  # by a thread of the process that queued it
if EMAIL_HOST:
    EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
elif DEBUG:
    EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.console.EmailBackend"
else:
    # They must not be printed: links that set a password would be in the log.
    EMAIL_DELIVERY_BACKEND = "pharos.email_queue.delivery.NoServer"
SERVER_EMAIL = DEFAULT_FROM_EMAIL

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# Everything not listed is nobody's business here either, but browsers need each name to refuse it.
PERMISSIONS_POLICY = {
    "clipboard-write": "self",  # the buttons that copy
    **dict.fromkeys(["publickey-credentials-create", "publickey-credentials-get"], "self"),
    **dict.fromkeys(
        [
            *("accelerometer", "autoplay", "browsing-topics", "camera", "clipboard-read"),
            *("display-capture", "encrypted-media", "fullscreen", "gamepad", "geolocation", "gyroscope", "hid"),
            *("identity-credentials-get", "idle-detection", "keyboard-map", "local-fonts", "magnetometer"),
            *("microphone", "midi", "otp-credentials", "payment", "picture-in-picture", "screen-wake-lock", "serial"),
            *("storage-access", "sync-xhr", "usb", "window-management", "xr-spatial-tracking"),
        ],
        "",
    ),
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# With this prefix, browsers accept a cookie only from this very host and over HTTPS, so that no other site of the domain
# can set one for us. Without HTTPS they wouldn't accept it at all.
COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}pharos_session"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS
# Load balancers and Prometheus call the server directly, without the proxy's https.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# A thousand selected items, and the other fields of the form.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_100
SECURE_REFERRER_POLICY = "same-origin"
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Subdomains and the preload list are up to the owner of the domain, not to one installation.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021", "models.W040"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": FORMATTERS[LOG_FORMAT]}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.utils.autoreload": {"level": "WARNING"},
        # The development server's own line for each request would show links that work.
        "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
    },
}
