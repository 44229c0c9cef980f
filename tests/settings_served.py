"""The product's own settings, for servers in production whose pages tests ask for: static files need not be gathered first."""

from pharos.settings import *  # noqa: F403
from pharos.settings import STORAGES

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
