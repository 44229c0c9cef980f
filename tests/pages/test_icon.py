"""`/icon`: the favicon shows whether something can't wait."""

import pytest

from workitems import transitions

from ..factories import make_item


def shown(client):
    response = client.get("/icon")
    assert response.status_code == 302
    assert "max-age=120" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]
    return response["Location"].rsplit("/", 1)[1].split(".")[0]


@pytest.fixture
def states(virginia, wally):
    return {
        "nothing": lambda: None,
        "open": lambda: make_item(virginia),
        "done": lambda: transitions.succeed(make_item(virginia), stage="Record", by=wally),
        "failed": lambda: transitions.fail(make_item(virginia), note="no title", retry=False, by=wally),
        "restoration failed": lambda: transitions.fail(
            make_item(virginia, action="Restore"), note="x", retry=False, by=wally
        ),
        "held": lambda: transitions.suspend(make_item(virginia), note="wait", by=wally),
    }


@pytest.mark.parametrize(
    ("state", "pictures"),
    [
        ("nothing", {}),
        ("open", {}),
        ("done", {}),
        ("failed", {"dora": "failed", "stan": "failed", "ada": "failed"}),
        ("restoration failed", {"dora": "failed", "stan": "failed", "ada": "failed"}),
        ("held", {"ada": "held"}),
    ],
)
def test_the_icon_shows_what_cannot_wait(cast, signed_in, states, state, pictures):
    states[state]()
    for who in ("dora", "stan", "olga", "ada"):
        kind = pictures.get(who)
        assert shown(signed_in(cast[who])) == (f"favicon-{kind}" if kind else "favicon"), who


def test_the_more_urgent_is_shown(signed_in, ada, states):
    states["held"]()
    states["failed"]()
    assert shown(signed_in(ada)) == "favicon-held"  # an admin's first need


def test_every_page_has_the_icon_and_signed_out_visitors_the_plain_one(client, signed_in, stan):
    assert 'rel="icon" href="/static/favicon.svg"' in client.get("/accounts/login/").content.decode()
    assert client.get("/icon")["Location"].startswith("/accounts/login/")
    assert 'rel="icon" href="/icon"' in signed_in(stan).get("/words").content.decode()


def test_the_icon_files_exist(signed_in, stan, states):
    states["failed"]()
    client = signed_in(stan)
    response = client.get(client.get("/icon")["Location"])
    assert response.status_code == 200
    assert response["Content-Type"] == "image/svg+xml"
    assert b"<svg" in b"".join(response.streaming_content)
    response.close()
