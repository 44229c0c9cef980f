"""Etags that a program damaged on the way are named, kept apart from sound ones, and mended by them."""

import pytest

from workitems.import_export.importing.etags import is_damaged, is_damaged_form_of
from workitems.import_export.importing.remarks import Remark
from workitems.models import WorkItem

from .importing_samples import (
    INSTITUTIONS,
    counts,
    json_lines,
    pharos,
    reader_of_rejects,
    registry,
    registry_csv,
    taker,
    write,
)

pytestmark = pytest.mark.django_db
LATER = "2022-01-01T00:00:00Z"


@pytest.fixture
def take(tmp_path):
    write(tmp_path, "institutions.csv", INSTITUTIONS)
    return taker(tmp_path)


@pytest.fixture
def refused(tmp_path):
    return reader_of_rejects(tmp_path)


@pytest.mark.parametrize(
    ("etag", "damaged"),
    [
        ("5.26018159083017E+031", True),
        ("5,26E+031", True),
        ("5e+31", True),
        ("1234567890123456789012345678901", True),  # 31 digits: a zero in front is gone
        ("12345", True),
        ("52601815908301701234567890120000", True),
        ("52601815908301700602063317106688", True),  # a floating-point number
        ("Infinity", True),
        ("+5.26E+31", True),
        ("5,26018159083017E+31 ", True),
        ("'5.26E+31", True),
        ('="5.26E+31"', True),
        ("52.6018159083017E+030", True),
        ("5.26D+31", True),
        ("52,601,815,908,301,701,234,567,890,123,456", True),
        ("52.601.815.908.301.701.234.567.890.123.456", True),
        ("52 601 815 908 301 701 234 567 890 123 456", True),
        ("52\u202f601\u202f815", True),
        ("'52601815908301701234567890123456", True),
        ("0", True),
        ("d18720b9ec3c24e0e6370fb4ff42b132", False),
        ("52601815908301701234567890123456", False),
        ("1234567890123456789012345678e123", False),
        ("d18720b9ec3c24e0e6370fb4ff42b132-12", False),
        ("", False),
        ("anything", False),
    ],
)
def test_damaged_etags(etag, damaged):
    assert is_damaged(etag) is damaged


SOUND = "05260181590830171234567890123456"


@pytest.mark.parametrize(
    ("damaged", "sound", "can_be"),
    [
        ("5,26E+030", SOUND, True),
        ("5.26018159083017E+030", SOUND, True),
        (SOUND.lstrip("0"), SOUND, True),
        ("5,27E+030", SOUND, False),
        ("5.26018159083018E+030", SOUND, False),
        ("5,26E+030", "d18720b9ec3c24e0e6370fb4ff42b132", False),
        ("+5.26E+30", SOUND, True),
        ("5.26D+30", SOUND, True),
        ("52.6018159083017E+029", SOUND, True),
        ("5,260,181,590,830,171,234,567,890,123,456", SOUND, True),
        ("5.260.181.590.830.171.234.567.890.123.456", SOUND, True),
        ("5 260 181 590 830 171 234 567 890 123 456", SOUND, True),
        (f"'{SOUND}", SOUND, True),
        ("0526018159083017", SOUND, True),
        ("0526018159083018", SOUND, False),
        ("1234", SOUND, False),
        ("0", "0e462097431906509019562988736854", True),
        ("0E+00", "00000000000000000000000000000e12", True),
        ("5.26E+30", "0e462097431906509019562988736854", False),
        ("0", SOUND, False),
        ("Infinity", "1234567890123456789012345678e900", True),
    ],
)
def test_which_sound_etag_a_damaged_one_was(damaged, sound, can_be):
    assert is_damaged_form_of(damaged, sound) is can_be


def test_damaged_etags_are_named_and_can_be_rejected(take, refused):
    rows = [
        registry(id="1", etag="5,26E+031"),
        registry(id="2", etag="12345", name="b.tar"),
        registry(id="3", name="c"),
    ]
    summary = take(registry_csv(*rows), reject_damaged=True)
    assert counts(summary) == (1, 0, 0, 0, 2)
    assert [row["reason"] for row in refused()] == [
        "etag 5,26E+031 was damaged by a spreadsheet",
        "etag 12345 was damaged by a spreadsheet",
    ]
    assert take(registry_csv(*rows)).remarks[Remark.DAMAGED_ETAG].examples == ["5,26E+031 (id 1)", "12345 (id 2)"]


@pytest.mark.parametrize("updated_at", [LATER, "2021-03-05T05:06:07.123456Z", "2020-01-01T00:00:00Z"])
def test_a_sound_etag_mends_a_damaged_one(take, updated_at):
    take(json_lines(pharos(etag="5,26E+030")))
    before = WorkItem.objects.get()
    summary = take(json_lines(pharos(etag=SOUND, updated_at=updated_at)))
    assert (summary.updated, summary.rows_with(Remark.MENDED_ETAG)) == (1, 1)
    item = WorkItem.objects.get()
    assert item.etag == SOUND
    assert item.updated_at > before.updated_at
    assert item.history.get(number=2).changes == {"etag": ["5,26E+030", SOUND]}
    assert counts(take(json_lines(pharos(etag=SOUND)))) == (0, 0, 1, 0, 0)


def test_a_damaged_etag_never_replaces_a_sound_one(take):
    take(json_lines(pharos(etag=SOUND)))
    summary = take(json_lines(pharos(etag="5,26E+030", note="edited")))
    assert (summary.updated, summary.rows_with(Remark.KEPT_ETAG)) == (1, 1)
    assert (WorkItem.objects.get().etag, WorkItem.objects.get().note) == (SOUND, "edited")


def test_an_etag_that_cannot_have_been_damaged_to_this_is_another_item(take, refused):
    take(json_lines(pharos(etag="5,26E+030")))
    take(json_lines(pharos(updated_at=LATER)))
    assert "its etag is" in refused()[0]["reason"]


@pytest.mark.parametrize("written", ['"{}"', 'W/"{}"', "{}"])
def test_one_file_has_one_etag(take, written):
    etag = "d18720b9ec3c24e0e6370fb4ff42b132-3"
    take(json_lines(pharos(etag=written.format(etag.upper()))))
    assert WorkItem.objects.get().etag == etag
    assert counts(take(json_lines(pharos(etag=etag)))) == (0, 0, 1, 0, 0)
