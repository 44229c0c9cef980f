"""/metrics: who can see it, and what it shows."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from pharos.accounts import api_keys
from pharos.accounts.roles import Permission
from pharos.email_queue.models import QueuedEmail
from pharos.operations import metrics
from workitems import transitions
from workitems.monitoring import item_metrics

from ..conftest import CAST
from ..factories import make_item

pytestmark = pytest.mark.django_db
ELSEWHERE = "203.0.113.9"


def numbers(text):
    """Returns {(name, (label values in order of their names)): number}."""
    return {
        (sample.name, tuple(value for _name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def scrape(client):
    def read(**more):
        response = client.get("/metrics", **more)
        assert response.status_code == 200, response.content
        return numbers(response.content.decode())

    return read


def headers(user):
    _key, secret = api_keys.create_key(user, now=timezone.now())
    return {"X-Pharos-API-User": user.email, "X-Pharos-API-Key": secret}


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", ""])
def test_callers_on_this_machine_need_no_key(client, address):
    response = client.get("/metrics", REMOTE_ADDR=address)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_a_proxy_on_this_machine_makes_nobody_local(client, header):
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403
    assert client.get("/metrics", headers={header: ""}).status_code == 403


@pytest.mark.parametrize("address", [ELSEWHERE, "10.0.0.7", "unknown", "2001:db8::1"])
def test_others_need_a_key(client, address):
    response = client.get("/metrics", REMOTE_ADDR=address)
    assert response.status_code == 403
    assert "X-Pharos-API-Key" in response.content.decode()
    assert b"pharos_" not in response.content


@pytest.mark.parametrize("name", CAST)
def test_keys_of_services_and_admins_are_accepted(name, cast, client):
    user = cast[name]
    response = client.get("/metrics", headers=headers(user), REMOTE_ADDR=ELSEWHERE)
    assert response.status_code == (200 if user.can(Permission.ADMIN_API) else 403)


@pytest.mark.parametrize("name", CAST)
def test_a_session_is_no_key(name, cast, signed_in):
    assert signed_in(cast[name]).get("/metrics", REMOTE_ADDR=ELSEWHERE).status_code == 403


def test_a_wrong_key_is_refused(client, ada):
    wrong = headers(ada) | {"X-Pharos-API-Key": "x" * 43}
    assert client.get("/metrics", headers=wrong, REMOTE_ADDR=ELSEWHERE).status_code == 403


def test_a_key_is_not_accepted_over_plain_http(client, ada, settings):
    settings.SECURE_SSL_REDIRECT = True
    known = headers(ada)
    assert client.get("/metrics", headers=known, REMOTE_ADDR=ELSEWHERE).status_code == 403
    assert client.get("/metrics", headers=known, REMOTE_ADDR=ELSEWHERE, secure=True).status_code == 200
    assert client.get("/metrics").status_code == 200  # on this machine there is no key to steal


def test_a_key_over_its_limit_is_refused(client, wally, settings):
    settings.API_CALLS_PER_MINUTE_SERVICES = 1
    known = headers(wally)
    answers = [client.get("/metrics", headers=known, REMOTE_ADDR=ELSEWHERE).status_code for _call in range(2)]
    assert answers == [200, 403]


def test_requests_are_counted_by_view_method_and_status(client, scrape):
    before = scrape()
    client.get("/accounts/login/")
    client.get("/nothing-1")
    client.get("/nothing-2")
    client.generic("BREW", "/healthz")
    client.get("/member-api/v3/items/show/7")
    client.get("/member-api/v3/objects/show/virginia.edu/bag")
    after = scrape()

    def more(view, method, status):
        found = "pharos_requests_total", (method, status, view)
        return after.get(found, 0) - before.get(found, 0)

    assert more("account_login", "GET", "200") == 1
    assert more("not_found", "GET", "404") == 2
    assert more("health", "other", "405") == 1
    assert more("member-api/v3/items/show/<int:pk>", "GET", "401") == 1
    assert more("member-api/v3/objects/show/", "GET", "401") == 1
    assert more("metrics", "GET", "200") == 1


def test_durations_are_a_histogram(client, scrape):
    client.get("/healthz")
    found = scrape()
    count = found["pharos_request_duration_seconds_count", ("health",)]
    assert count >= 1
    assert found["pharos_request_duration_seconds_bucket", ("+Inf", "health")] == count


def test_items_by_kind(scrape, virginia, jhu, wally):
    for institution in (virginia, jhu):
        make_item(institution, name="waiting.tar")
    failed = make_item(virginia, name="failed.tar")
    transitions.fail(failed, note="no manifest", retry=False, by=wally)
    found = scrape()
    kind = ("Ingest", failed.stage)
    assert found["pharos_items", (kind[0], kind[1], "Failed")] == 1
    assert sum(number for (name, _values), number in found.items() if name == "pharos_items") == 3
    moving = [number for (name, _values), number in found.items() if name == "pharos_items_oldest_seconds"]
    assert len(moving) == 1
    assert 0 <= moving[0] < 3600


def test_emails_in_the_queue(scrape):
    now = timezone.now()
    QueuedEmail.objects.create(to="a@example.org", sender="b@example.org", created_at=now - timedelta(hours=2))
    QueuedEmail.objects.create(to="c@example.org", sender="b@example.org")
    QueuedEmail.objects.create(to="d@example.org", sender="b@example.org", given_up_at=now)
    found = scrape()
    assert found["pharos_emails_waiting", ()] == 2
    assert found["pharos_emails_given_up", ()] == 1
    assert 7200 <= found["pharos_emails_oldest_seconds", ()] < 10_000


def test_no_label_names_an_item_or_a_person(scrape, item, ada, signed_in):
    signed_in(ada).get(f"/items/{item.pk}")
    text = str([*scrape()])
    assert item.name not in text
    assert ada.email not in text
    assert str(item.pk) not in [value for _name, values in scrape() for value in values]


def test_a_scrape_takes_six_statements(client, item, django_assert_num_queries):
    client.get("/metrics")
    with django_assert_num_queries(6):  # summary, oldest, late, deltas, emails, commands
        client.get("/metrics")


def test_numbers_of_requests_are_shown_while_the_database_is_away(scrape, monkeypatch):
    asked = []

    def away():
        raise OperationalError("the database is away")
        yield

    def other():
        asked.append("other")
        yield metrics.gauge("pharos_other", "Other", [((), 1)])

    registry = metrics.build_registry([away, other])
    found = {sample.name: sample.value for family in registry.collect() for sample in family.samples}
    assert found["pharos_database_readable"] == 0
    assert "pharos_requests_total" in found
    assert asked == []
    assert scrape()["pharos_database_readable", ()] == 1


def test_no_settled_item_is_counted(item, on_postgresql):
    with connection.execute_wrapper(explained := Explain()):
        list(item_metrics())
    assert explained.plans
    for plan in explained.plans:
        assert "Seq Scan on workitems_workitem" not in plan, plan


class Explain:
    """Collects the plan of every statement, without sequential scans where there is an index for it."""

    def __init__(self):
        self.plans = []

    def __call__(self, execute, sql, params, many, context):
        with context["connection"].connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            self.plans.append("\n".join(row[0] for row in cursor.execute(f"EXPLAIN {sql}", params)))
        return execute(sql, params, many, context)


POOL = {"pool_size": 3, "pool_available": 1, "pool_max": 8, "requests_waiting": 2, "requests_num": 10}


def test_the_pool(scrape):
    before = scrape()["pharos_database_pool_requests_total", ()]
    metrics._counted.clear()
    metrics._observe_pool(POOL)
    metrics._observe_pool({**POOL, "requests_num": 14, "requests_queued": 1})
    found = scrape()
    assert [found["pharos_database_pool_connections", (state,)] for state in ("open", "unused", "most")] == [3, 1, 8]
    assert found["pharos_database_pool_waiting", ()] == 2
    assert found["pharos_database_pool_requests_total", ()] - before == 14


def test_standbys(monkeypatch):
    monkeypatch.setattr(metrics, "measure_lag", lambda: {"standby1": 512, "standby2": None})
    found = {
        (sample.name, sample.labels["standby"]): sample.value
        for family in metrics.standby_metrics()
        for sample in family.samples
    }
    assert found == {
        ("pharos_standby_up", "standby1"): 1,
        ("pharos_standby_up", "standby2"): 0,
        ("pharos_standby_lag_bytes", "standby1"): 512,
    }
