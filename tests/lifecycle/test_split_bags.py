"""Parts of split bags: what a name says, and what became of all parts."""

import pytest

from workitems.lifecycle import BagPart, PartStatus, PartUpload, group_parts, part_status, read_part


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("name.b046.of249.tar", ("name", 46, 249)),
        ("name.b1.of5.tar", ("name", 1, 5)),
        ("a.b1.of2.b3.of4.tar", ("a.b1.of2", 3, 4)),
        ("two\nlines.b1.of2.tar", ("two\nlines", 1, 2)),
        ("name.b06.of05.tar", ("name", 6, 5)),
        ("name.b00.of0.tar", ("name", 0, 0)),
        ("name.b1.of2", None),
        ("name.b1.of2.TAR", None),
        ("name.B1.OF2.tar", None),
        ("name.b.of2.tar", None),
        ("name.b1.of.tar", None),
        ("name.b١.of٢.tar", None),
        (".b1.of2.tar", None),
        ("name.b1.of2.tar\n", None),
        ("GTM-000119_B50.tar", None),
    ],
)
def test_what_a_name_says(name, expected):
    assert read_part(name) == (BagPart(*expected) if expected else None)


@pytest.mark.parametrize(("number", "total", "possible"), [(1, 5, True), (5, 5, True), (6, 5, False), (0, 5, False)])
def test_impossible_parts(number, total, possible):
    assert BagPart("x", number, total).is_possible is possible


@pytest.mark.parametrize(
    ("status", "retry", "expected"),
    [
        ("Success", True, PartStatus.DONE),
        ("Failed", False, PartStatus.FAILED),
        ("Failed", True, PartStatus.IN_PROGRESS),
        ("Suspended", False, PartStatus.IN_PROGRESS),
        ("Pending", True, PartStatus.IN_PROGRESS),
        ("Cancelled", True, PartStatus.CANCELLED),
    ],
)
def test_what_became_of_a_part(status, retry, expected):
    assert part_status(status, retry=retry) == expected


def split(*uploads, total=5):
    """The bag of these (number, status), first received first."""
    listed = [PartUpload(pk, BagPart("x", number, total), status) for pk, (number, status) in enumerate(uploads, 1)]
    [bag] = group_parts(listed)
    return bag


def test_the_latest_upload_of_each_part_counts():
    bag = split((2, PartStatus.FAILED), (1, PartStatus.DONE), (2, PartStatus.DONE), (1, PartStatus.CANCELLED))
    assert [(one.item, one.status) for one in bag.parts] == [(2, PartStatus.DONE), (3, PartStatus.DONE)]
    assert bag.counts == {PartStatus.DONE: 2}
    assert split((1, PartStatus.CANCELLED), (1, PartStatus.CANCELLED)).parts[0].item == 2
    assert split((1, PartStatus.DONE), (1, PartStatus.FAILED)).counts == {PartStatus.FAILED: 1}


def test_missing_parts():
    bag = split((4, PartStatus.DONE), (2, PartStatus.CANCELLED), (6, PartStatus.DONE), (0, PartStatus.DONE))
    assert bag.missing_count == 3
    assert bag.missing(10) == [1, 3, 5]
    assert bag.missing(2) == [1, 3]
    huge = split((2, PartStatus.DONE), total=99_999)
    assert (huge.missing_count, huge.missing(3)) == (99_998, [1, 3, 4])
    assert split((0, PartStatus.DONE), total=0).missing(10) == []


def test_parts_of_two_totals():
    uploads = [PartUpload(n, BagPart("x", n, total), PartStatus.DONE) for n, total in ((1, 2), (2, 3), (3, 2))]
    assert [(bag.total, len(bag.uploads), bag.other_totals) for bag in group_parts(uploads)] == [
        (2, 2, (3,)),
        (3, 1, (2,)),
    ]
