"""Django with no middleware and no accounts on the same database: only the views of `bench.baselines.minimal_views`."""

from bench.settings import *  # noqa: F403
from bench.settings import INSTALLED_APPS

INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.startswith("allauth") and app != "django.contrib.admin"]
MIDDLEWARE = []
ROOT_URLCONF = "bench.baselines.minimal_views"
