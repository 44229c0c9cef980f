"""Goes through the review queue like a browser: with its addresses, links, and forms."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from ..factories import make_item
from ..pages.page_elements import parse_page

URL = "/items/review/queue"
START = datetime(2026, 5, 4, 12, tzinfo=UTC)


def made(institution, number, **fields):
    return make_item(institution, date=START + timedelta(hours=number), **fields)


def here(response):
    """Returns {parameter: value} of the address that the response redirects to."""
    assert response.status_code == 302, response.content.decode()
    parts = urlsplit(response["Location"])
    assert parts.path == URL
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def begun(client, query=""):
    """Opens the first page like a browser."""
    return client.get(client.get(URL, {"list": query} if query else {})["Location"])


def shown(response):
    return int(parse_page(response).one("article")["data-item-id"])


def form(response, reviewed="true"):
    """Returns the form that marks the item with this value, as (address, fields)."""
    [found] = [
        one
        for one in parse_page(response).all("form")
        if one.all("button", name="reviewed", value=reviewed) and one.attributes["action"].startswith("?")
    ]
    return URL + found["action"], {**found.fields(), "reviewed": reviewed}


def press(client, response, reviewed="true"):
    address, fields = form(response, reviewed)
    return client.post(address, fields)


def follow(client, response, rel):
    link = parse_page(response).one("a", rel=rel)["href"]
    answer = client.get(link)
    return client.get(answer["Location"]) if answer.status_code == 302 else answer


def left(response):
    return parse_page(response).one("span", class_="progress").words


def walked(client, response, *, marking=True):
    """Goes to the end, marking or skipping each item. Returns the items' ids and the last page."""
    seen = []
    while parse_page(response).all("article"):
        seen.append(shown(response))
        assert len(seen) < 100
        response = client.get(press(client, response)["Location"]) if marking else follow(client, response, "next")
    return seen, response
