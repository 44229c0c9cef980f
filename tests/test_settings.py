"""Settings from the environment: all are documented, and every invalid value is reported, all at once."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from pharos.operations.logs import JsonFormatter
from workitems.lifecycle import PRESENT_TOPICS

ROOT = Path(__file__).resolve().parent.parent
SOURCE = (ROOT / "pharos" / "settings.py").read_text()
KNOBS = re.findall(r"^\w+(?::[^=]+)? = env\.\w+\(\s*\"(\w+)\"", SOURCE, re.MULTILINE)
KEY = "k" * 50
READ_WRITE = "?target_session_attrs=read-write"
PRODUCTION = {"SECRET_KEY": KEY, "ALLOWED_HOSTS": "pharos.example.org,items.example.org"}


@pytest.fixture
def start(monkeypatch):
    """A function that reads the settings in exactly this environment."""

    def read(**environment):
        for name in KNOBS:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "pharos" / "settings.py"))

    return read


def test_the_settings_are_found_in_the_source():
    assert len(KNOBS) == SOURCE.count("= env.") >= 17
    assert {"DEBUG", "SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS", "EMAIL_PASSWORD"} <= set(KNOBS)


def test_exactly_the_existing_settings_are_documented():
    text = (ROOT / "docs" / "operating.md").read_text()
    assert sorted(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE)) == sorted(KNOBS)


def test_debug_needs_no_other_settings(start):
    found = start(DEBUG="true")
    assert found["DEBUG"] is True
    assert found["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3"
    assert found["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
    assert found["HTTPS"] is False


def test_settings_in_production(start):
    found = start(**PRODUCTION)
    assert found["DEBUG"] is False
    assert (found["SECRET_KEY"], found["ALLOWED_HOSTS"]) == (KEY, ["pharos.example.org", "items.example.org"])
    for name in ("HTTPS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT"):
        assert found[name] is True
    assert found["SECURE_HSTS_SECONDS"] > 0
    assert (found["SECRET_KEY_FALLBACKS"], found["SESSION_IDLE_MINUTES"], found["API_KEY_DAYS"]) == ([], 0, 0)


def test_earlier_secret_keys(start):
    found = start(**PRODUCTION, SECRET_KEY_FALLBACKS=f"{'a' * 50}, {'b' * 60}")
    assert found["SECRET_KEY_FALLBACKS"] == ["a" * 50, "b" * 60]


def test_no_code_of_the_demo_is_loaded_in_production(start):
    def extensions(**environment):
        return start(**environment)["TEMPLATES"][0]["OPTIONS"]["extensions"]

    assert "workitems.demo.sign_in.DemoAccounts" in extensions(DEBUG="true")
    assert not any("demo" in name for name in extensions(**PRODUCTION))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY: use at least 50"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY: use at least 50"),
        (
            {"SECRET_KEY_FALLBACKS": "short"},
            "SECRET_KEY_FALLBACKS: list earlier values of SECRET_KEY, each of at least 50",
        ),
        ({"SECRET_KEY_FALLBACKS": f"{KEY},"}, "SECRET_KEY_FALLBACKS: list earlier values of SECRET_KEY"),
        ({"SESSION_IDLE_MINUTES": "-1"}, "SESSION_IDLE_MINUTES: "),
        ({"SESSION_IDLE_MINUTES": "10081"}, "SESSION_IDLE_MINUTES: "),
        ({"SESSION_IDLE_MINUTES": "soon"}, "SESSION_IDLE_MINUTES: "),
        ({"API_KEY_DAYS": "-1"}, "API_KEY_DAYS: "),
        ({"API_KEY_DAYS": "3651"}, "API_KEY_DAYS: "),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS: list the host names"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS: list each host"),
        ({"ALLOWED_HOSTS": "a.example.org,*.example.org"}, "ALLOWED_HOSTS: list each host"),
        ({"ALLOWED_HOSTS": ".example.org"}, "ALLOWED_HOSTS: list each host"),
        ({"CSRF_TRUSTED_ORIGINS": "https://*.example.org"}, "CSRF_TRUSTED_ORIGINS: list each host"),
        (
            {"ALLOWED_HOSTS": "https://pharos.example.org"},
            "ALLOWED_HOSTS: “https://pharos.example.org” is not a host name",
        ),
        ({"ALLOWED_HOSTS": "pharos.example.org:8000"}, "ALLOWED_HOSTS: “pharos.example.org:8000” is not"),
        ({"ALLOWED_HOSTS": "pharos.example.org items.example.org"}, "ALLOWED_HOSTS: “pharos.example.org items"),
        ({"ALLOWED_HOSTS": "pharos.example.org/items"}, "ALLOWED_HOSTS: “pharos.example.org/items” is not"),
        ({"ALLOWED_HOSTS": "pharos.example.org,,other.example.org"}, "ALLOWED_HOSTS: “” is not a host name"),
        (
            {"CSRF_TRUSTED_ORIGINS": "pharos.example.org"},
            "CSRF_TRUSTED_ORIGINS: “pharos.example.org” is not a base address",
        ),
        ({"CSRF_TRUSTED_ORIGINS": "ftp://pharos.example.org"}, "CSRF_TRUSTED_ORIGINS: “ftp://pharos.example.org”"),
        ({"CSRF_TRUSTED_ORIGINS": "https://"}, "CSRF_TRUSTED_ORIGINS: “https://” is not"),
        ({"CSRF_TRUSTED_ORIGINS": "https://a.example.org/"}, "CSRF_TRUSTED_ORIGINS: “https://a.example.org/” is not"),
        ({"CSRF_TRUSTED_ORIGINS": "https://a.example.org:"}, "CSRF_TRUSTED_ORIGINS: “https://a.example.org:” is not"),
        ({"CONSORTIUM_DOMAIN": "APTrust"}, "CONSORTIUM_DOMAIN: “APTrust” is not a domain"),
        ({"CONSORTIUM_DOMAIN": "https://aptrust.org"}, "CONSORTIUM_DOMAIN: “https://aptrust.org” is not a domain"),
        ({"CONSORTIUM_DOMAIN": ""}, "CONSORTIUM_DOMAIN: “” is not a domain"),
        ({"DEBUG": "perhaps"}, "DEBUG: "),
        ({"HTTPS": "sometimes"}, "HTTPS: "),
        ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES: "),
        ({"TRUSTED_PROXIES": "two"}, "TRUSTED_PROXIES: "),
        ({"DATABASE_POOL_SIZE": "0"}, "DATABASE_POOL_SIZE: "),
        ({"EMAIL_PORT": "65536"}, "EMAIL_PORT: "),
        ({"EMAIL_USE_TLS": "maybe"}, "EMAIL_USE_TLS: "),
        ({"DEFAULT_FROM_EMAIL": "nobody"}, "DEFAULT_FROM_EMAIL: "),
        ({"SUPPORT_EMAIL": "help at example.org"}, "SUPPORT_EMAIL: "),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL: "),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT: "),
        ({"DATABASE_URL": "mysql://u:p@h/db"}, "DATABASE_URL: use sqlite:////absolute/path or postgres://"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL: use sqlite:////absolute/path or postgres://"),
        ({"DATABASE_URL": "postgres://u:p@h:notaport/db"}, "DATABASE_URL: is not a valid database address"),
        ({"DATABASE_URL": "postgres://[::1/db"}, "DATABASE_URL: is not a valid database address"),
        ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL: use the absolute path of the file"),
        ({"DATABASE_URL": "sqlite://x.db"}, "DATABASE_URL: use the absolute path of the file"),
        ({"DATABASE_URL": "sqlite://x/var/x.db"}, "DATABASE_URL: use the absolute path of the file"),
        ({"DATABASE_URL": "sqlite:///x.db"}, "DATABASE_URL: use the absolute path of the file"),
        ({"DATABASE_URL": "sqlite:////"}, "DATABASE_URL: use the absolute path of the file"),
        ({"DATABASE_URL": "sqlite://:memory:"}, "DATABASE_URL: use the absolute path of the file"),
        ({"DATABASE_URL": "postgres:///db"}, "DATABASE_URL: include the host"),
        ({"DATABASE_URL": "postgres://user:p@/db"}, "DATABASE_URL: include the host"),
        ({"DATABASE_URL": "postgres://user:p@h"}, "DATABASE_URL: put the database name"),
        ({"DATABASE_URL": "postgres://user:p@h/"}, "DATABASE_URL: put the database name"),
        ({"DATABASE_URL": "postgres://user:p@h/db/other"}, "DATABASE_URL: put the database name"),
        ({"DATABASE_URL": "postgres://u@one:5432,two:5432/db"}, "DATABASE_URL: with several hosts, end with"),
        ({"DATABASE_URL": "postgres://u@one,two/db?target_session_attrs=any"}, "DATABASE_URL: with several hosts"),
        ({"DATABASE_URL": f"postgres://u@one,/db{READ_WRITE}"}, "DATABASE_URL: include the host"),
        ({"DATABASE_URL": f"postgres://u@one,two:x/db{READ_WRITE}"}, "DATABASE_URL: is not a valid database address"),
        ({"DATABASE_URL": f"postgres://u@one,two{READ_WRITE}"}, "DATABASE_URL: put the database name"),
        ({"DATABASE_PGBOUNCER": "perhaps"}, "DATABASE_PGBOUNCER: "),
        ({"DATABASE_REPLICA_URL": "postgres://u@h/db"}, "DATABASE_REPLICA_URL: SQLite has no standbys"),
        (
            {"DATABASE_REPLICA_URL": "sqlite:////var/x.db"},
            "DATABASE_REPLICA_URL: a standby must be a PostgreSQL server",
        ),
        ({"DATABASE_REPLICA_URL": "postgres://u@h/db,"}, "DATABASE_REPLICA_URL: a standby must be a PostgreSQL server"),
        ({"DATABASE_REPLICA_URL": "postgres://u@h/db,postgres://u@h"}, "DATABASE_REPLICA_URL: put the database name"),
        (
            {"DATABASE_REPLICA_URL": "postgres://u@h/db, postgres://u@h/db"},
            "DATABASE_REPLICA_URL: list each standby only once",
        ),
        ({"WORKITEM_TAKEOVER_MINUTES": "0"}, "WORKITEM_TAKEOVER_MINUTES: "),
        ({"WORKITEM_TAKEOVER_MINUTES": "10081"}, "WORKITEM_TAKEOVER_MINUTES: "),
        ({"WORKITEM_TAKEOVER_MINUTES": "soon"}, "WORKITEM_TAKEOVER_MINUTES: "),
        ({"WORKITEM_QUEUE_STAGES": "Receive,Shelve"}, "WORKITEM_QUEUE_STAGES: “Shelve” is not a stage of an ingest"),
        ({"WORKITEM_QUEUE_STAGES": "Unpack"}, "WORKITEM_QUEUE_STAGES: “Unpack” is not a stage of an ingest"),
        ({"WORKITEM_QUEUE_STAGES": "Requested"}, "WORKITEM_QUEUE_STAGES: “Requested” is not a stage of an ingest"),
        ({"WORKITEM_QUEUE_URL": "127.0.0.1:4151"}, "WORKITEM_QUEUE_URL: “127.0.0.1:4151” is not the HTTP address"),
        ({"WORKITEM_QUEUE_URL": "http://q:4151/pub"}, "WORKITEM_QUEUE_URL: “http://q:4151/pub” is not the HTTP"),
        ({"WORKITEM_QUEUE_URL": "nsq://q:4150"}, "WORKITEM_QUEUE_URL: “nsq://q:4150” is not the HTTP address"),
        ({"WORKITEM_QUEUE_TOPICS": "Ingest/Store"}, "WORKITEM_QUEUE_TOPICS: “Ingest/Store” names no topic; use"),
        ({"WORKITEM_QUEUE_TOPICS": "Inges/Store=a"}, "WORKITEM_QUEUE_TOPICS: “Inges” is not an action; use one of"),
        ({"WORKITEM_QUEUE_TOPICS": "Delete/Store=a"}, "WORKITEM_QUEUE_TOPICS: “Store” is not a stage of Delete"),
        ({"WORKITEM_QUEUE_TOPICS": "Ingest/=a"}, "WORKITEM_QUEUE_TOPICS: “” is not a stage of Ingest"),
        ({"WORKITEM_QUEUE_TOPICS": "Delete=a b"}, "WORKITEM_QUEUE_TOPICS: “a b” can't be a topic"),
        ({"WORKITEM_QUEUE_TOPICS": "Delete="}, "WORKITEM_QUEUE_TOPICS: “” can't be a topic"),
    ],
)
def test_an_invalid_value_is_reported(start, wrong, said):
    with pytest.raises(ImproperlyConfigured) as caught:
        start(**PRODUCTION | wrong)
    lines = str(caught.value).splitlines()
    assert any(line.strip().startswith(said) for line in lines[1:]), caught.value
    [name] = wrong
    assert {line.strip().split(":")[0] for line in lines[1:]} == {name}


def test_all_problems_are_reported_together(start):
    with pytest.raises(ImproperlyConfigured) as caught:
        start(EMAIL_PORT="x", LOG_LEVEL="LOUD", DATABASE_URL="mysql://h/db")
    named = {line.strip().split(":")[0] for line in str(caught.value).splitlines()[1:]}
    assert named == {"EMAIL_PORT", "LOG_LEVEL", "DATABASE_URL", "SECRET_KEY", "ALLOWED_HOSTS"}


def test_invalid_values_that_may_be_secret_are_not_repeated(start):
    with pytest.raises(ImproperlyConfigured) as caught:
        start(
            **PRODUCTION
            | {
                "SECRET_KEY": "mother's name",
                "SECRET_KEY_FALLBACKS": "father's name",
                "DATABASE_URL": "mysql://me:hush@h/db",
            }
        )
    assert "mother" not in str(caught.value)
    assert "father" not in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "engine", "name"),
    [
        ("sqlite:////var/lib/pharos/items.sqlite3", "sqlite3", "/var/lib/pharos/items.sqlite3"),
        ("postgres://user:p%40ss@db.example.org:5433/pharos", "postgresql", "pharos"),
        ("postgresql://user:p%40ss@db.example.org:5433/pharos", "postgresql", "pharos"),
    ],
)
def test_database_addresses(start, url, engine, name):
    database = start(**PRODUCTION, DATABASE_URL=url)["DATABASES"]["default"]
    assert database["ENGINE"] == {"sqlite3": "django.db.backends.sqlite3", "postgresql": "pharos.postgresql"}[engine]
    assert database["NAME"] == name
    if engine == "postgresql":
        assert (database["USER"], database["PASSWORD"]) == ("user", "p@ss")
        assert (database["HOST"], database["PORT"]) == ("db.example.org", 5433)
        assert database["OPTIONS"]["pool"] == {
            "min_size": 1,
            "max_size": 8,
            "timeout": 5,
            "reconnect_timeout": 5,
            "max_lifetime": 600,
        }
        assert database["OPTIONS"]["options"] == "-c jit=off"
    else:
        # Without all three, "database is locked" (test_concurrency).
        assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        assert database["OPTIONS"]["timeout"] == 20
        assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]


@pytest.mark.parametrize(
    ("hosts", "host", "port"),
    [
        ("one:5433,two:5434", "one,two", "5433,5434"),
        ("one,two:5434,three", "one,two,three", "5432,5434,5432"),
        ("[::1]:5433,[fe80::2]", "::1,fe80::2", "5433,5432"),
        ("%2Frun%2Fone,two", "/run/one,two", "5432,5432"),
    ],
)
def test_a_database_address_with_several_hosts(start, hosts, host, port):
    url = f"postgres://user:p%40%2Css@{hosts}/pharos{READ_WRITE}&connect_timeout=1"
    database = start(**PRODUCTION, DATABASE_URL=url)["DATABASES"]["default"]
    assert (database["HOST"], database["PORT"], database["NAME"]) == (host, port, "pharos")
    assert (database["USER"], database["PASSWORD"]) == ("user", "p@,ss")
    assert database["OPTIONS"]["target_session_attrs"] == "read-write"
    assert database["OPTIONS"]["connect_timeout"] == 1


@pytest.mark.parametrize("hosts", ["one:5432,two:5432", "one%2Ctwo"])
def test_a_replica_address_has_one_host(start, hosts):
    urls = {"DATABASE_URL": "postgres://u@h/db", "DATABASE_REPLICA_URL": f"postgres://u@{hosts}/db{READ_WRITE}"}
    with pytest.raises(ImproperlyConfigured, match=r"DATABASE_REPLICA_URL: .* an address of its own"):
        start(**PRODUCTION, **urls)


def test_replica_addresses(start):
    urls = "postgres://user:p%2Css@one:5433/pharos,  postgres://user@two/pharos?connect_timeout=9"
    found = start(**PRODUCTION, DATABASE_URL="postgres://user@db/pharos", DATABASE_REPLICA_URL=urls)["DATABASES"]
    assert list(found) == ["default", "standby1", "standby2"]
    assert [found[name]["HOST"] for name in found] == ["db", "one", "two"]
    assert found["standby1"]["PASSWORD"] == "p,ss"
    assert [found[name]["OPTIONS"]["connect_timeout"] for name in ("standby1", "standby2")] == [2, 9]
    for name in ("standby1", "standby2"):
        # A pool would let each try of a server that is away wait for the pool's whole time-out.
        assert "pool" not in found[name]["OPTIONS"]
        assert (found[name]["CONN_MAX_AGE"], found[name]["CONN_HEALTH_CHECKS"]) == (60, False)
        # Else a page would wait as long as replay holds a lock.
        assert found[name]["OPTIONS"]["options"] == "-c jit=off -c lock_timeout=2s -c statement_timeout=15s"
    assert found["default"]["OPTIONS"]["options"] == "-c jit=off"


def test_options_in_a_replica_address_are_kept(start):
    asked = "postgres://user@one/pharos?options=-c%20lock_timeout%3D9s"
    found = start(**PRODUCTION, DATABASE_URL="postgres://user@db/pharos", DATABASE_REPLICA_URL=asked)["DATABASES"]
    assert found["standby1"]["OPTIONS"]["options"] == "-c lock_timeout=9s"


def test_settings_for_pgbouncer(start):
    urls = {"DATABASE_URL": "postgres://u@pgbouncer:6432/db", "DATABASE_REPLICA_URL": "postgres://u@other:6432/db"}
    for database in start(**PRODUCTION, **urls, DATABASE_PGBOUNCER="true")["DATABASES"].values():
        # It refuses to begin with `options`, and pools by itself.
        assert not {"options", "pool", "prepare_threshold"} & database["OPTIONS"].keys()
        assert database["DISABLE_SERVER_SIDE_CURSORS"]
        assert database["CONN_MAX_AGE"] == 60


def test_a_database_address_with_a_socket(start):
    database = start(**PRODUCTION, DATABASE_URL="postgres://pharos@%2Fvar%2Frun%2Fpostgresql/items")["DATABASES"][
        "default"
    ]
    assert (database["HOST"], database["NAME"]) == ("/var/run/postgresql", "items")


def test_lists_can_have_spaces_after_commas(start):
    found = start(
        **PRODUCTION | {"ALLOWED_HOSTS": "pharos.example.org, 10.0.0.7 ,[::1]"},
        CSRF_TRUSTED_ORIGINS="https://pharos.example.org, http://10.0.0.7:8000, https://[::1]:8443",
    )
    assert found["ALLOWED_HOSTS"] == ["pharos.example.org", "10.0.0.7", "[::1]"]
    assert found["CSRF_TRUSTED_ORIGINS"] == [
        "https://pharos.example.org",
        "http://10.0.0.7:8000",
        "https://[::1]:8443",
    ]


@pytest.mark.django_db
def test_the_health_check_answers_without_https(start, settings, client):
    production = start(**PRODUCTION)
    settings.SECURE_SSL_REDIRECT = production["SECURE_SSL_REDIRECT"]
    settings.SECURE_REDIRECT_EXEMPT = production["SECURE_REDIRECT_EXEMPT"]
    assert client.get("/healthz").status_code == 200
    assert client.get("/metrics").status_code == 200
    for other in ("/accounts/login/", "/items/", "/healthz/more"):
        assert client.get(other)["Location"] == f"https://testserver{other}"


def test_attempt_counters_are_not_evicted(start):
    assert start(**PRODUCTION)["CACHES"]["default"]["OPTIONS"]["MAX_ENTRIES"] >= 100_000


def test_options_in_a_database_address_are_kept(start):
    database = start(**PRODUCTION, DATABASE_URL="postgres://u@h/db?sslmode=require")["DATABASES"]["default"]
    assert database["OPTIONS"]["sslmode"] == "require"


def test_other_settings_take_effect(start):
    found = start(
        **PRODUCTION,
        HTTPS="false",
        TRUSTED_PROXIES="1",
        EMAIL_HOST="mail.example.org",
        EMAIL_PORT="25",
        EMAIL_USER="pharos",
        EMAIL_PASSWORD="hush",
        EMAIL_USE_TLS="no",
        DEFAULT_FROM_EMAIL="pharos@example.org",
        CONSORTIUM_DOMAIN="example.org",
        SUPPORT_EMAIL="help@example.org",
        LOG_LEVEL="WARNING",
        LOG_FORMAT="json",
    )
    assert found["SECURE_SSL_REDIRECT"] is False
    assert found["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")
    assert found["EMAIL_DELIVERY_BACKEND"].endswith("smtp.EmailBackend")
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_USE_TLS"]) == ("mail.example.org", 25, False)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("pharos", "hush")
    assert found["SERVER_EMAIL"] == "pharos@example.org"
    assert found["CONSORTIUM_DOMAIN"] == "example.org"
    assert found["LOGGING"]["root"]["level"] == "WARNING"
    assert found["LOGGING"]["formatters"]["line"]["()"] is JsonFormatter


def test_a_stage_that_is_to_be_served_needs_a_topic(start):
    stages = {"WORKITEM_QUEUE_STAGES": "Receive,Fetch"}
    start(**PRODUCTION, **stages)
    queue = {**PRODUCTION, **stages, "WORKITEM_QUEUE_URL": "http://127.0.0.1:4151"}
    with pytest.raises(ImproperlyConfigured) as caught:
        start(**queue)
    [_heading, line] = str(caught.value).splitlines()
    assert line.strip().startswith("WORKITEM_QUEUE_TOPICS: “Fetch” has no topic")
    start(**queue, WORKITEM_QUEUE_TOPICS="Ingest/Receive=a,Ingest/Fetch=b")


def test_the_queue_of_todays_workers_and_one_of_ones_own(start):
    found = start(**PRODUCTION)
    assert (found["WORKITEM_QUEUE_URL"], found["WORKITEM_QUEUE_STAGES"]) == ("", [])
    assert found["WORKITEM_TAKEOVER_MINUTES"] == 15
    assert found["WORKITEM_QUEUE_TOPICS"] == PRESENT_TOPICS
    found = start(
        **PRODUCTION,
        WORKITEM_TAKEOVER_MINUTES="60",
        WORKITEM_QUEUE_URL="http://queue.example.org:4151",
        WORKITEM_QUEUE_STAGES="Receive, Copy To Staging",
        WORKITEM_QUEUE_TOPICS="Ingest/Receive = fetch, Ingest=others,Restore=restore#ephemeral",
    )
    assert found["WORKITEM_QUEUE_STAGES"] == ["Receive", "Copy To Staging"]
    assert found["WORKITEM_QUEUE_TOPICS"] == {
        "Ingest/Receive": "fetch",
        "Ingest": "others",
        "Restore": "restore#ephemeral",
    }


def test_the_table_of_topics_in_the_documentation_is_the_default():
    text = (ROOT / "docs" / "operating.md").read_text()
    rows = re.findall(r"^\| `([A-Z][^`]*)` \| `([a-z0-9_]+)` \|$", text, re.MULTILINE)
    assert dict(rows) == PRESENT_TOPICS


def test_an_invalid_environment_stops_startup():
    environment = {name: value for name, value in os.environ.items() if name not in {*KNOBS, "DJANGO_SETTINGS_MODULE"}}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "SECRET_KEY: use at least 50" in done.stderr
    assert "ALLOWED_HOSTS: list the host names" in done.stderr
