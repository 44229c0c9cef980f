"""Users and items in a database that the test run isn't connected to, and clients of a server on it.

people = create_test_data(url)
with server(url) as running: Browser(running, people["dora"].session).get("/items/")
"""

import http.client
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from .http_clients import GoClient
from .serving import KEY, ROOT, Server

CREATE_TEST_DATA = """
import json
import django
django.setup()
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pharos.accounts import api_keys
from pharos.accounts.roles import Role
from tests.factories import InstitutionFactory, UserFactory
from tests.many_items import make_items

call_command("migrate", verbosity=0)
virginia, jhu = InstitutionFactory(identifier="virginia.edu"), InstitutionFactory(identifier="jhu.edu")
consortium = InstitutionFactory(identifier="aptrust.org")
make_items(60, [virginia, jhu])
cast = {"dora": (Role.DEPOSITOR, virginia), "stan": (Role.STAFF, virginia), "olga": (Role.STAFF, jhu),
        "ada": (Role.ADMIN, consortium), "wally": (Role.WORKER, consortium)}
for name, (role, institution) in cast.items():
    user, client = UserFactory(email=f"{name}@{institution.identifier}", role=role, institution=institution), Client()
    client.force_login(user)
    _key, secret = api_keys.create_key(user, label="outside", now=timezone.now())
    print(json.dumps([name, user.email, client.cookies["pharos_session"].value, secret, institution.pk]))
"""
CSRF = "c" * 32


@dataclass(frozen=True)
class Person:
    email: str
    session: str
    secret: str
    institution: int


def create_test_data(url: str) -> dict[str, Person]:
    """Migrates the database, and adds the test users of conftest.py and sixty items. Returns {name: user}."""
    environment = {**os.environ, "DATABASE_URL": url, "SECRET_KEY": KEY, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(
        [sys.executable, "-c", CREATE_TEST_DATA], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {name: Person(*rest) for name, *rest in map(json.loads, done.stdout.splitlines())}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    @property
    def read_from(self) -> str | None:
        return self.headers["X-Read-From"]


@dataclass
class Browser:
    """A signed-in user's browser, with its cookies."""

    server: Server
    session: str
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def post(self, path: str, **fields: Any) -> Answer:
        return self._ask("POST", path, urlencode(fields, doseq=True))

    def _ask(self, method: str, path: str, body: str | None = None) -> Answer:
        cookies = {"pharos_session": self.session, "csrftoken": CSRF, **self.cookies}
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), "X-CSRFToken": CSRF}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        asking = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
        try:
            asking.request(method, path, body, headers)
            reply = asking.getresponse()
            answer = Answer(reply.status, reply.headers, reply.read())
        finally:
            asking.close()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
        return answer


def api_client(running: Server, person: Person) -> GoClient:
    """Returns an API client with this person's key."""
    client = GoClient(running)
    client.email, client.secret = person.email, person.secret
    return client
