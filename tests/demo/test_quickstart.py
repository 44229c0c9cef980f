"""What `make run` does before it serves, with an empty database or one in use."""

import os
import socket

import pytest
from django.core.management import CommandError, call_command

from pharos.accounts.models import Institution, User
from workitems.demo import DemoRefused, is_empty, load, load_demo
from workitems.management.commands import quickstart
from workitems.models import WorkItem


@pytest.fixture
def served(monkeypatch):
    """Returns the arguments of `execv`."""
    calls = []
    monkeypatch.setattr(os, "execv", lambda program, arguments: calls.append(arguments))
    # Closing it would end the test's own transaction.
    monkeypatch.setattr(quickstart.connections, "close_all", lambda: None)
    monkeypatch.setenv("DJANGO_RUNSERVER_HIDE_WARNING", "true")
    return calls


@pytest.fixture
def port(monkeypatch):
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    monkeypatch.setenv("PORT", str(number))
    return number


@pytest.fixture
def small(monkeypatch):
    """A smaller demo."""
    monkeypatch.setattr(quickstart, "load_demo", lambda: load_demo(count=100, quiet=True))


def test_an_empty_database_gets_the_demo(db, settings, served, port, small, capsys):
    settings.DEBUG = True
    call_command("simulate", every=0, steps=1)  # makes a service account, which is nobody's data
    capsys.readouterr()
    call_command("quickstart")
    assert WorkItem.objects.count() > 100
    lines = capsys.readouterr().out.splitlines()
    assert "demo" in lines[0]
    assert len(lines[1:]) == 5
    assert f"http://127.0.0.1:{port}/" in lines[1]
    assert "admin@aptrust.org" in lines[2]
    assert "lighthouse" in lines[2]
    [arguments] = served
    assert arguments[1:] == [str(settings.BASE_DIR / "manage.py"), "runserver", f"127.0.0.1:{port}"]

    # The second start only says the five lines.
    before = WorkItem.objects.count()
    call_command("quickstart")
    assert capsys.readouterr().out.splitlines() == lines[1:]
    assert WorkItem.objects.count() == before
    assert len(served) == 2


def test_a_database_with_users_is_not_changed(ada, settings, served, port, capsys):
    settings.DEBUG = True
    call_command("quickstart")
    assert not WorkItem.objects.exists()
    out = capsys.readouterr().out
    assert "createsuperuser" in out
    assert "lighthouse" not in out
    assert len(served) == 1


def test_no_demo_without_debug(db, settings, served, port):
    settings.DEBUG = False
    call_command("quickstart")
    assert not User.objects.exists()
    assert len(served) == 1


def test_a_busy_port_is_reported_before_anything_is_done(db, settings, served, monkeypatch):
    settings.DEBUG = True
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        busy = listener.getsockname()[1]
        monkeypatch.setenv("PORT", str(busy))
        with pytest.raises(CommandError, match=rf"Port {busy} is already in use.*make run PORT="):
            call_command("quickstart")
    assert not User.objects.exists()
    assert not served


@pytest.mark.parametrize("text", ["", "http", "0", "65536", "-1", "²", "80 80"])
def test_an_invalid_port_is_reported(db, served, monkeypatch, text):
    monkeypatch.setenv("PORT", text)
    with pytest.raises(CommandError, match="number from 1 to 65535"):
        call_command("quickstart")
    assert not served


def test_an_interrupted_load_leaves_nothing_and_is_repeated(db, settings, monkeypatch):
    settings.DEBUG = True

    def interrupt(*args, **kwargs):
        assert WorkItem.objects.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(load, "_review", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_demo(count=100, quiet=True)
    assert is_empty()
    assert not Institution.objects.exists()


def test_ctrl_c_while_loading_is_reported(db, settings, served, port, monkeypatch):
    settings.DEBUG = True

    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(quickstart, "load_demo", interrupt)
    with pytest.raises(CommandError, match="No demo data was kept"):
        call_command("quickstart")
    assert not served


def test_no_demo_next_to_users_or_items(item, settings):
    """The fixture `item` also creates its institution and a service account."""
    settings.DEBUG = True
    with pytest.raises(DemoRefused, match="1 items and 0 users"):
        load_demo(quiet=True)


def test_no_demo_next_to_users(dora, settings):
    settings.DEBUG = True
    with pytest.raises(DemoRefused, match="0 items and 1 users"):
        load_demo(quiet=True)
