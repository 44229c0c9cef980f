"""The overview of an empty installation tells an admin what to do first."""

import pytest

from ..factories import make_item
from .page_elements import parse_page


def steps(client):
    found = parse_page(client.get("/")).all("section", class_="panel first-steps")
    return [link["href"] for section in found for link in section.all("a")]


def test_an_admin_of_an_empty_installation_is_told_three_steps(signed_in, ada, virginia):
    client = signed_in(ada)
    links = steps(client)
    assert links == ["/admin/accounts/institution/add/", "/admin/accounts/user/add/", "/api/docs/"]
    for link in links:
        assert client.get(link).status_code == 200
    make_item(virginia)
    assert steps(client) == []


@pytest.mark.parametrize("who", ["dora", "stan", "olga"])
def test_others_are_told_nothing(signed_in, cast, who):
    assert steps(signed_in(cast[who])) == []
