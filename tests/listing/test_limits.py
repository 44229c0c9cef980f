"""How long and how large values of the list's query string can be."""

import pytest
from django.http import QueryDict

from workitems.listing import ItemList, ListFilterSet

pytestmark = pytest.mark.django_db
LONGEST = {
    "name": 1000,
    "name_like": 1000,
    "etag": 255,
    "etag_like": 255,
    "object_identifier": 1300,
    "object_identifier_like": 1300,
    "file_identifier": 2500,
    "file_identifier_like": 2500,
    "bag_group": 1300,
    "bucket": 255,
    "user": 255,
    "storage_option": 255,
    "node": 255,
    "after": 2600,
    "before": 2600,
}
LARGEST = {"per_page": 1000, "page": 10**9}


def errors(user, name, value):
    query = QueryDict(mutable=True)
    query[name] = value
    listing = ItemList(query, user)
    listing.is_valid()
    return listing.errors.get(name, [])


@pytest.mark.parametrize("name", LONGEST)
def test_texts_up_to_their_length(ada, name):
    most = LONGEST[name]
    too_long = errors(ada, name, "x" * (most + 1))
    assert too_long
    assert errors(ada, name, "x" * most) != too_long  # a cursor of this length is still none
    if name not in ("after", "before"):
        assert not errors(ada, name, "x" * most)


def test_every_text_has_a_length():
    """The limits above are those of all texts: a new filter is added there."""
    texts = {name for name, one in ListFilterSet.declared_filters.items() if "max_length" in one.extra}
    assert texts == set(LONGEST)


@pytest.mark.parametrize("name", LARGEST)
def test_numbers_up_to_their_limit(ada, name):
    most = LARGEST[name]
    assert not errors(ada, name, str(most))
    assert errors(ada, name, str(most + 1))
    assert not errors(ada, name, "1")
    assert errors(ada, name, "0")
