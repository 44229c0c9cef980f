"""A site that is Django's admin and nothing else, on the same database: see `bench.peers.editing`."""

from bench.settings import *  # noqa: F403

MIDDLEWARE = [
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # its app, which the people's tables need, insists
]
ROOT_URLCONF = "bench.peers.editing"
