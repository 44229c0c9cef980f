"""The test users: at least one for each role, two institutions, and items of both. Tests of roles loop over `CAST`."""

import importlib
import os

import pytest
from django.db import connection
from django.test import TransactionTestCase
from django.utils import timezone, translation
from hypothesis import HealthCheck, settings

from pharos.accounts.roles import Role
from workitems import transitions
from workitems.durations import typical

from .factories import InstitutionFactory, UserFactory, make_item
from .serving import database_url, server

settings.register_profile(
    "suite", deadline=None, suppress_health_check=list(HealthCheck), derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("suite")

# Chromium's own files and pytest-playwright's event loop live in the thread that Django's ORM is used from.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_configure():
    """A run that was asked for on one database must not silently be on the other."""
    from django.conf import settings as django_settings

    expected = os.environ.get("EXPECTED_VENDOR")
    actual = django_settings.DATABASES["default"]["ENGINE"].rsplit(".", 1)[-1].replace("sqlite3", "sqlite")
    if expected and expected != actual:
        raise pytest.UsageError(f"This run was to be on {expected}, but is on {actual}.")


def guard_of_history():
    """The statements that lift the database's guard of the history and its archive, and those that set it again."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE '%is\\_not\\_emptied'"
            )
            alter = [f"ALTER TABLE ONLY {table} {{}} TRIGGER {name}" for table, name in cursor.fetchall()]
        return [one.format("DISABLE") for one in alter], [one.format("ENABLE") for one in alter]
    migration = importlib.import_module("workitems.migrations.0009_archive")
    return migration.SQLITE_BACKWARD, migration.SQLITE_FORWARD


def _execute(statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture(autouse=True, scope="session")
def _history_is_emptied_only_after_a_test():
    """The database refuses to empty the history, as it should; only the clean-up after a transactional test must."""
    clean_up = TransactionTestCase._fixture_teardown

    def with_the_guard_lifted(case):
        lift, guard = guard_of_history()
        _execute(lift)
        try:
            clean_up(case)
        finally:
            _execute(guard)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", with_the_guard_lifted)
        yield


@pytest.fixture(autouse=True)
def _reset_language_and_time_zone():
    """A page leaves its reader's language and zone behind in the thread; the next test must not begin with them."""
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(autouse=True)
def _forget_usual_times():
    """A process keeps them for a minute, which here is many tests."""
    typical.clear_cache()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """As pytest-django has it. A thread of the live server may outlive its test, and PostgreSQL drops no database in use."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session")
def real_server(django_db_setup):
    """The production server on the test database; what a test of `django_db(transaction=True)` writes, it sees."""
    from django.conf import settings as django_settings

    # The same secret key as here: or no session that a test makes would be valid there.
    knobs = {"SECRET_KEY": django_settings.SECRET_KEY, "API_CALLS_PER_MINUTE": "100000"}
    with server(database_url(connection.settings_dict), **knobs) as running:
        yield running


@pytest.fixture
def virginia(db):
    return InstitutionFactory(identifier="virginia.edu", name="University of Virginia")


@pytest.fixture
def jhu(db):
    """The other institution."""
    return InstitutionFactory(identifier="jhu.edu", name="Johns Hopkins University")


@pytest.fixture
def consortium(db):
    return InstitutionFactory(identifier="aptrust.org", name="APTrust")


# {first name: (role, the fixture of the institution, its domain)}. Each is a fixture of that name; one of every role is needed.
CAST = {
    "dora": (Role.DEPOSITOR, "virginia", "virginia.edu"),
    "stan": (Role.STAFF, "virginia", "virginia.edu"),
    "olga": (Role.STAFF, "jhu", "jhu.edu"),  # of the other institution
    "ada": (Role.ADMIN, "consortium", "aptrust.org"),
    "wally": (Role.WORKER, "consortium", "aptrust.org"),
}


def person(name):
    role, institution, domain = CAST[name]

    @pytest.fixture(name=name)
    def made(request):
        return UserFactory(email=f"{name}@{domain}", role=role, institution=request.getfixturevalue(institution))

    return made


for one in CAST:
    globals()[one] = person(one)


@pytest.fixture
def cast(request):
    """Everybody, by first name."""
    return {name: request.getfixturevalue(name) for name in CAST}


@pytest.fixture
def item(virginia):
    """An open ingest of Virginia."""
    return make_item(virginia, name="virginia.edu.uva-lib_2274642.tar")


@pytest.fixture
def theirs(jhu):
    """An open ingest of the other institution."""
    return make_item(jhu, name="jhu.edu.ledger_17.tar")


@pytest.fixture
def failures(virginia, jhu, wally):
    """Two of Virginia's, and one of the other institution's, that failed for good."""
    items = [make_item(virginia, name=f"bag-{n}.tar") for n in range(2)] + [make_item(jhu, name="theirs.tar")]
    for item in items:
        transitions.fail(item, note="no manifest", retry=False, by=wally)
    return items


@pytest.fixture
def site(settings):
    """The address that mails lead to."""
    settings.SITE_URL = "https://pharos.example.org"
    return settings.SITE_URL


@pytest.fixture
def signed_in(client):
    """A function that gives the test client, signed in as somebody."""

    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def on_postgresql():
    """For what only PostgreSQL promises; the SQLite run says that it was not asked."""
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL promises this")


@pytest.fixture
def on_sqlite():
    """For what only SQLite could get wrong; the PostgreSQL run says that it was not asked."""
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has this")
