#!/usr/bin/env bash
# A queued email is delivered twice because somebody saved something else in the meantime: django-mailer on SQLite in WAL mode.
#
# django-mailer reads an email within a transaction, sends it, and then deletes its row in the same transaction. SQLite
# refuses that late write if another connection has committed anything since the read, whatever the table and however
# long one would wait. So the run ends with an error after the mail server has accepted the email, the row comes back,
# and the next run sends it again. With PostgreSQL, whose row lock it relies on, nothing of the kind happens.
# Hurt: whoever gets a link to a new password twice; and every email behind it waits for the next run.
# Our product: has an outbox of its own, which claims each email and commits before it talks to the mail server.
# No issue found (November 2026).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq --disable-pip-version-check django==5.2.19 django-mailer==2.3.2

echo "Versions: django-mailer 2.3.2, Django 5.2.19, SQLite $(python3 -c 'import sqlite3; print(sqlite3.sqlite_version)')"
echo "Guess:    two queued emails arrive once each, even if another program saves a row while they are sent."
cat > settings.py <<'PY'
SECRET_KEY = "-"
INSTALLED_APPS = ["mailer"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "db.sqlite3",
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL", "timeout": 20},
    }
}
EMAIL_BACKEND = "mailer.backend.DbBackend"
MAILER_EMAIL_BACKEND = "server.Server"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
PY
cat > server.py <<'PY'
"""Stands for a mail server that accepts everything. While it takes the first email, another program saves a row."""

import pathlib
import sqlite3

from django.core.mail.backends.base import BaseEmailBackend

ARRIVED = pathlib.Path("arrived.txt")


class Server(BaseEmailBackend):
    def send_messages(self, messages):
        for message in messages:
            if not ARRIVED.exists():
                other = sqlite3.connect("db.sqlite3", timeout=20)
                with other:
                    other.execute("INSERT INTO notes VALUES ('saved by another program')")
                other.close()
            with ARRIVED.open("a") as file:
                file.write(f"{message.to[0]}\n")
        return len(messages)
PY
export DJANGO_SETTINGS_MODULE=settings PYTHONPATH=.
venv/bin/python - <<'PY'
import collections
import pathlib
import subprocess
import sys

import django

django.setup()
from django.core.mail import send_mail
from django.core.management import call_command
from django.db import connection

call_command("migrate", verbosity=0)
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE notes (text)")
for name in ("one", "two"):
    send_mail("Hello", "Text", "us@example.org", [f"{name}@example.org"])
connection.close()
runs = [
    subprocess.run(["venv/bin/django-admin", "send_mail"], capture_output=True, text=True, check=False) for _ in range(2)
]
error = runs[0].stderr.strip().rpartition("\n")[2]
arrived = collections.Counter(pathlib.Path("arrived.txt").read_text().split())
print(f"Happens:  first run: exit code {runs[0].returncode}, “{error}”; second run: {runs[1].returncode}")
print(f"          arrived: {dict(arrived)}")
if runs[0].returncode == 0 or arrived["one@example.org"] != 2 or runs[1].returncode != 0:
    sys.exit("Changed: each email arrives once.")
PY
