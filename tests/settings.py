"""The product's settings with what tests need: a cheap password hash and a separate database.

The database is chosen here rather than in conftest.py, because Django has already read its settings there.
"""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("DEBUG", "true")

from pharos.settings import *  # noqa: F403
from pharos.settings import ACCOUNT_RATE_LIMITS as LIMITS
from pharos.settings import DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Into `django.core.mail.outbox`, once a test sends what is queued; see `_queue_emails` in conftest.py.
EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
EMAIL_SEND_AT_ONCE = False
# What a browser test of login does in a minute is more than a person does.
ACCOUNT_RATE_LIMITS = LIMITS | {"sign_in": "10000/m/ip"}

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in production: writers of several threads and processes meet for real.
    # Named by the run, so that two runs at once do not share it.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or os.getpid()
    DATABASES["default"]["TEST"] = {"NAME": str(Path(tempfile.gettempdir()) / f"pharos-test-{run}.sqlite3")}
    # What no query puts in order comes the other way round than by habit, which PostgreSQL's run keeps to: a test fails
    # where only the habit is right.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA reverse_unordered_selects=ON;"
else:
    # A pool would hold connections to the test database beyond its end.
    DATABASES["default"]["OPTIONS"].pop("pool", None)

# The same database by another name, for tests of where something is read.
DATABASES["elsewhere"] = {**DATABASES["default"], "TEST": {"MIRROR": "default"}}
