#!/usr/bin/env python
import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pharos.settings")
    try:
        settings.DEBUG  # noqa: B018  reads the environment, so that errors in it are shown without a traceback
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    # A command needs one connection, and should say at once why there is none; a pool would try for a while.
    settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"The database can't be used: {' '.join(str(error).split())}")
