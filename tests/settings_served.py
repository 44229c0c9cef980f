"""The product's settings for production servers whose pages tests request: without collecting static files first."""

from pharos.settings import *  # noqa: F403
from pharos.settings import STORAGES

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
