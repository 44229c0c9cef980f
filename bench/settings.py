"""The production settings, except for what a benchmark on one machine can do without."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-benchmarks-" + "0123456789" * 4)
os.environ.setdefault("ALLOWED_HOSTS", "testserver,127.0.0.1")
os.environ.setdefault("HTTPS", "false")
# Benchmarks call the API as fast as they can.
os.environ.setdefault("API_CALLS_PER_MINUTE", "100000000")
os.environ.setdefault("API_CALLS_PER_MINUTE_SERVICES", "100000000")

from pharos.settings import *  # noqa: F403

STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
