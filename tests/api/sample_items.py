"""Ten items, each different from the others in some field, so that every parameter of a list matches some of them.

They are known by letters in the order in which they were received: a to g, r, s, and finally `j`, which belongs to the other
institution.
"""

from datetime import UTC, datetime

from tests.factories import make_item
from workitems import transitions

ALL = "jsrgfedcba"  # newest first
AWKWARD = "Ünï & “q”_100%+=?#;.tar"
FILE = "virginia.edu/x/data/Straße & Söhne.txt"


def noon(day):
    return datetime(2026, 3, day, 12, tzinfo=UTC)


def make_samples(virginia, jhu, worker, staff):
    """{letter: item}"""
    items = {}

    def make(letter, day, institution=virginia, **fields):
        items[letter] = make_item(institution, at=noon(day), **fields)
        return items[letter]

    make(
        "a",
        1,
        action="Delete",
        name=AWKWARD,
        etag="ABC1",
        bag_date=datetime(2021, 3, 4, 5, 6, 7, 250_000, tzinfo=UTC),
        user="kim@virginia.edu",
        size=1_400_000_000,
        generic_file_identifier=FILE,
        needs_admin_review=True,
        queued_at=noon(1),
    )
    make("b", 2, name="second.tar", etag="def2", size=5)
    transitions.progress(items["b"], by=worker, stage="Validate", node="worker-7", pid=4711, at=noon(2))
    make("c", 3, name="third.tar", etag="1.01E+18", bucket="other")
    transitions.review(transitions.succeed(items["c"], by=worker, stage="Cleanup", at=noon(3)), by=staff, at=noon(3))
    make("d", 4, name="second.tar", etag="0d")
    make("e", 5, name="second.tar", etag="0d")
    transitions.fail(make("f", 6, name="bad.tar", etag="0f"), by=worker, note="Bad.", retry=False, at=noon(6))
    make("g", 7, name="bad.tar", etag="0g")
    make("r", 8, action="Restore", name="restore.tar", object_identifier="virginia.edu/restore")
    make("s", 9, action="Restore", name="sample.tar", generic_file_identifier="virginia.edu/sample/data/1")
    make("j", 10, jhu, name="jhu.tar")
    return items


def letters(items, records):
    """Returns the letters of the records' items, in order."""
    known = {item.pk: letter for letter, item in items.items()}
    return "".join(known[record["id"]] for record in records)


def walk_pages(caller, path, query, *, at_each_page=None):
    """Returns every record of a list, following the query string of `next` like clients do."""
    found, pages = [], 0
    while query is not None:
        answer = caller.get(path, query)
        assert answer.status == 200, answer.body
        body = answer.body
        assert (body["previous"] is None) == (pages == 0)
        found += body["results"]
        if at_each_page:
            at_each_page(body["results"])
        assert body["next"] is None or "?" in body["next"]
        query = body["next"] and body["next"].partition("?")[2]
        pages += 1
        assert pages < 200
    return found


def without_holes(records, items):
    """Returns whether the records are exactly these items, each once."""
    seen = [record["id"] for record in records]
    return sorted(seen) == sorted(item.pk for item in items)
