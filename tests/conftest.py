"""The test users: at least one for each role, two institutions, and items of both. Tests of roles loop over `CAST`."""

import importlib
import os
from time import monotonic

import pytest
from django.db import connection
from django.test import TransactionTestCase
from django.utils import timezone, translation
from hypothesis import HealthCheck, settings

from pharos.accounts.roles import Role
from pharos.announcements import showing
from workitems import transitions
from workitems.durations import typical

from .factories import InstitutionFactory, UserFactory, make_item
from .serving import database_url, server

settings.register_profile(
    "suite", deadline=None, suppress_health_check=list(HealthCheck), derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("suite")

# pytest-playwright's event loop runs in the thread that uses Django's ORM.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_configure():
    """Fails if the run isn't on the expected database."""
    from django.conf import settings as django_settings

    expected = os.environ.get("EXPECTED_VENDOR")
    actual = django_settings.DATABASES["default"]["ENGINE"].rsplit(".", 1)[-1].replace("sqlite3", "sqlite")
    if expected and expected != actual:
        raise pytest.UsageError(f"This run was to be on {expected}, but is on {actual}.")


def history_guards():
    """Returns the statements that disable the guards of the history and its archive, and those that enable them again."""
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
def _allow_cleanup_to_empty_history():
    """Lets the cleanup after a transactional test empty the history, which the database otherwise refuses."""
    clean_up = TransactionTestCase._fixture_teardown

    def without_guards(case):
        lift, guard = history_guards()
        _execute(lift)
        try:
            clean_up(case)
        finally:
            _execute(guard)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", without_guards)
        yield


@pytest.fixture(autouse=True)
def _queue_emails(settings):
    """Stores emails in the queue as in production. Django's test runner would put them into `mail.outbox` right away."""
    settings.EMAIL_BACKEND = "pharos.email_queue.backend.QueueBackend"


@pytest.fixture(autouse=True)
def _reset_language_and_time_zone():
    """Resets the language and time zone that the previous test's request has set in this thread."""
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(autouse=True)
def _clear_caches_of_the_process():
    """Clears the usual times, which a process caches for a while. It has just found that nothing is announced."""
    typical.clear_cache()
    showing._cache[:] = [(monotonic(), [])]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """pytest-django's fixture, which also ends the live server's connections: PostgreSQL can't drop a database in use."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session")
def real_server(django_db_setup):
    """The production server on the test database. It sees what tests with `django_db(transaction=True)` write."""
    from django.conf import settings as django_settings

    # The same secret key as here, so that sessions created by tests are valid there.
    environment = {"SECRET_KEY": django_settings.SECRET_KEY, "API_CALLS_PER_MINUTE": "100000"}
    with server(database_url(connection.settings_dict), **environment) as running:
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


# {first name: (role, fixture of the institution, its domain)}. Each is a fixture with that name. Every role needs at least one.
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
    def made(request, db):  # named here, because pytest-django prepares the databases of fixtures that it can see
        return UserFactory(email=f"{name}@{domain}", role=role, institution=request.getfixturevalue(institution))

    return made


for one in CAST:
    globals()[one] = person(one)


@pytest.fixture
def cast(request, db):
    """All test users, by first name."""
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
    """Two items of Virginia and one of the other institution that failed permanently."""
    items = [make_item(virginia, name=f"bag-{n}.tar") for n in range(2)] + [make_item(jhu, name="theirs.tar")]
    for item in items:
        transitions.fail(item, note="no manifest", retry=False, by=wally)
    return items


@pytest.fixture
def site(settings):
    """The address that emails link to."""
    settings.SITE_URL = "https://pharos.example.org"
    return settings.SITE_URL


@pytest.fixture
def signed_in(client):
    """A function that returns the test client, signed in as this user."""

    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def on_postgresql():
    """Skips a test of what only PostgreSQL guarantees on SQLite."""
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL promises this")


@pytest.fixture
def on_sqlite():
    """Skips a test of what only concerns SQLite on PostgreSQL."""
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has this")
