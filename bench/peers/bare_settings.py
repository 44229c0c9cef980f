"""A bare Django on the same database, to measure beside: no middleware, no accounts, only the views of `bench.peers.bare`."""

from bench.settings import *  # noqa: F403
from bench.settings import INSTALLED_APPS

INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.startswith("allauth") and app != "django.contrib.admin"]
MIDDLEWARE = []
ROOT_URLCONF = "bench.peers.bare"
