"""An in-process API client: the test client with a key, and checks that every answer must pass."""

import json
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from django.utils import timezone

from pharos.accounts import api_keys
from pharos.accounts.roles import Permission
from workitems.api.authentication import FLUCTUS, PHAROS

NOTHING = object()


class Answer(NamedTuple):
    status: int
    body: Any
    headers: Any


def checked(response, *, has_body=True) -> Answer:
    """Returns the answer after checking that it is JSON, no redirect, has no cookie, and that an error says what is wrong."""
    assert not 300 <= response.status_code < 400, response["Location"]
    assert response["Content-Type"] == "application/json", response.content[:300]
    assert not response.cookies
    assert not response.has_header("Set-Cookie")
    assert response["Cache-Control"] == "no-store"
    body = json.loads(response.content, parse_constant=_refused) if has_body else None
    if response.status_code >= 400 and has_body:
        assert isinstance(body, dict), body
        assert isinstance(body.get("error"), str), body
        assert body["error"].strip(), body
    return Answer(response.status_code, body, response.headers)


def _refused(name):
    raise AssertionError(f"{name} in an answer")


def for_everyone(person) -> int:
    """Returns the expected status of a read that isn't about particular items."""
    return 200 if person.can(Permission.BROWSE) else 403


def for_virginia(person) -> int:
    """Returns the expected status of a read about an item of Virginia."""
    sees_it = person.can(Permission.SEE_EVERY_INSTITUTION) or person.institution.identifier == "virginia.edu"
    return 200 if sees_it else 404


def for_admins(person) -> int:
    """Returns the expected status of a read at an address for services and admins."""
    return 200 if person.can(Permission.ADMIN_API) else 403


def check_who_reads(client, cast, path, expected):
    """Checks that every user who can have a key gets the status that `expected` returns for them."""
    callers = [person for person in cast.values() if person.can(Permission.API_KEY)]
    found = {person.email: Caller(client, person).get(path).status for person in callers}
    assert found == {person.email: expected(person) for person in callers}


class Caller:
    """Makes calls with a new key of this user, which is sent in the headers of the address's version.

    `json` is sent as JSON, `body` as bytes. `headers` replaces the two headers of the caller.
    """

    def __init__(self, client, user):
        self.client = client
        self.user = user
        self.key, self.secret = api_keys.create_key(user, label="tests", now=timezone.now())

    def headers_for(self, path) -> dict[str, str]:
        names = FLUCTUS if path.startswith("/member-api/v1/") else PHAROS
        return {names.user: self.user.email, names.key: self.secret}

    def ask(
        self,
        method,
        path,
        query=None,
        *,
        json=NOTHING,
        body=b"",
        content_type="application/json",
        headers=None,
        more=None,
        secure=False,
        **extra,
    ) -> Answer:
        return checked(
            self.raw(
                method,
                path,
                query,
                json=json,
                body=body,
                content_type=content_type,
                headers=headers,
                more=more,
                secure=secure,
                **extra,
            ),
            has_body=method.upper() != "HEAD",
        )

    def raw(
        self,
        method,
        path,
        query=None,
        *,
        json=NOTHING,
        body=b"",
        content_type="application/json",
        headers=None,
        more=None,
        secure=False,
        **extra,
    ):
        """Returns the response itself. `query`: a dict (lists repeat the name), pairs, or text. `more`: further headers."""
        if json is not NOTHING:
            body = _as_json(json)
        if query is not None and not isinstance(query, str):
            query = urlencode(query, doseq=True)
        address = f"{path}?{query}" if query else path
        sent = self.headers_for(urlsplit(path).path) if headers is None else headers
        return self.client.generic(
            method,
            address,
            body,
            content_type,
            secure=secure,
            headers={"Accept": "application/json", **sent, **(more or {})},
            **extra,
        )

    def get(self, path, query=None, **options) -> Answer:
        return self.ask("GET", path, query, **options)

    def post(self, path, json=NOTHING, **options) -> Answer:
        return self.ask("POST", path, json=json, **options)

    def put(self, path, json=NOTHING, **options) -> Answer:
        return self.ask("PUT", path, json=json, **options)


class Nobody(Caller):
    """A caller without a key."""

    def __init__(self, client):
        self.client = client

    def headers_for(self, path):
        return {}


def _as_json(value) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
