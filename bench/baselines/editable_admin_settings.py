"""A site that only has Django's admin, on the same database: see `bench.baselines.editable_admin`."""

from bench.settings import *  # noqa: F403

MIDDLEWARE = [
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # required by allauth's app, which the user tables need
]
ROOT_URLCONF = "bench.baselines.editable_admin"
