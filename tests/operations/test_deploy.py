"""The files in deploy/: they name only commands, settings, and files that exist."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from ..test_settings import KNOBS

DEPLOY = Path(settings.BASE_DIR) / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
TIMERS = [unit for unit in UNITS if unit.suffix == ".timer"]
OPERATING = (DEPLOY.parent / "docs" / "operating.md").read_text()


def values(unit, name):
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


@pytest.mark.parametrize("timer", TIMERS, ids=lambda timer: timer.name)
def test_a_timer_starts_a_unit_and_a_command_that_exist(timer):
    [target] = values(timer, "Unit")
    template, at, instance = target.removesuffix(".service").partition("@")
    assert (DEPLOY / "systemd" / f"{template}{at}.service").is_file()
    assert not at or instance in get_commands()
    assert timer.stem in OPERATING


def test_every_service_runs_as_the_user_with_the_settings():
    services = [unit for unit in UNITS if unit.suffix == ".service"]
    assert len(services) == 3
    for service in services:
        assert values(service, "User") == ["pharos"], service.name
        assert values(service, "EnvironmentFile") == ["/etc/pharos/pharos.env"]
        assert values(service, "ProtectSystem") == ["strict"]


def example():
    """Returns the example of the settings as the shell reads it."""
    script = f"set -a; . {DEPLOY / 'pharos.env.example'}; env -0"
    done = subprocess.run(["sh", "-c", script], env={}, capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if line)


def test_the_example_has_only_settings_that_exist():
    named = re.findall(r"^([A-Z_]+)='", (DEPLOY / "pharos.env.example").read_text(), re.MULTILINE)
    assert len(named) > 5
    assert {*named} <= {*KNOBS}
    assert {*named} <= example().keys()


def test_the_example_has_no_secret():
    assert example()["SECRET_KEY"] == ""


def test_metrics_can_be_read_on_the_machine_itself():
    assert "127.0.0.1" in example()["ALLOWED_HOSTS"].split(",")


@pytest.mark.parametrize("file", ["manage", "backup"])
def test_scripts_are_valid_and_can_be_run(file):
    assert (DEPLOY / file).stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(DEPLOY / file)], check=True)


def test_nginx_writes_no_link_that_works():
    text = (DEPLOY / "nginx.conf").read_text()
    proxying = text[text.index("listen 443 ssl http2;") :]
    assert "access_log off;" in proxying
    assert re.search(
        r"location ~ \^/\(accounts/password/reset/key\|digests/stop\)/ \{\s+error_log /dev/null;", proxying
    )


def test_nginx_replaces_what_a_client_could_forge():
    text = (DEPLOY / "nginx-proxy.conf").read_text()
    replaced = re.findall(r"proxy_set_header (\S+) (\S+);", text)
    assert (
        dict(replaced).items()
        >= {
            "X-Forwarded-For": "$remote_addr",
            "X-Forwarded-Proto": "$scheme",
            "X-Request-ID": "$request_id",
        }.items()
    )


def test_every_file_named_in_the_documentation_exists():
    named = {*re.findall(r"deploy/[\w./-]*\w", OPERATING)}
    assert len(named) > 6
    assert {name for name in named if not (DEPLOY.parent / name).exists()} == set()


def test_a_backup_of_sqlite_is_complete_and_old_ones_are_removed(tmp_path, monkeypatch):
    """The script itself, on a small database."""
    old = tmp_path / "pharos-20200101T000000Z.sqlite3"
    old.write_text("old")
    os.utime(old, (time.time() - 15 * 86400,) * 2)
    environment = {**os.environ, "DEBUG": "true", "DATABASE_URL": f"sqlite:///{tmp_path / 'items.sqlite3'}"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=DEPLOY.parent, env=environment, check=True)
    (folder := tmp_path / "backups").mkdir()
    old = old.rename(folder / old.name)
    subprocess.run([str(DEPLOY / "backup"), str(folder)], cwd=DEPLOY.parent, env=environment, check=True)
    [backup] = folder.iterdir()
    assert re.fullmatch(r"pharos-\d{8}T\d{6}Z\.sqlite3", backup.name)
    assert backup.stat().st_mode & 0o777 == 0o600
