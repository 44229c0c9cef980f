"""Institutions that rows name by a number: from a table in any form, with their numbers kept."""

import gzip
import json

import pytest

from pharos.accounts.models import Institution
from workitems.import_export import UnreadableFile, import_files
from workitems.models import WorkItem

from ..factories import InstitutionFactory
from .importing_samples import (
    INSTITUTIONS,
    counts,
    json_lines,
    pharos,
    reader_of_rejects,
    registry,
    registry_csv,
    write,
)

pytestmark = pytest.mark.django_db

OBJECTS = [
    {"id": 4, "name": "North Carolina State University", "identifier": "NCSU.edu"},
    {"id": 5, "name": "Jhu", "identifier": "jhu.edu"},
]
NUMBERED = json_lines(*(pharos(id=n, name=f"{n}.tar", institution=None, institution_id=4) for n in (1, 2)))
IN_A_TEST_BUCKET = json_lines(pharos(institution=17, bucket="aptrust.receiving.test.virginia.edu"))


@pytest.fixture
def refused(tmp_path):
    return reader_of_rejects(tmp_path)


@pytest.mark.parametrize(
    "table",
    [
        INSTITUTIONS,
        INSTITUTIONS.replace(",", ";"),
        INSTITUTIONS.replace(",", "\t"),
        INSTITUTIONS.encode("utf-16"),
        gzip.compress(INSTITUTIONS.encode()),
        "sep=;\n" + INSTITUTIONS.replace(",", ";").replace("id;name;identifier", "ID;Name;Identifier"),
        json.dumps(OBJECTS),
        json.dumps(OBJECTS, indent=2),
        json_lines(*OBJECTS),
        json.dumps({"count": 2, "next": None, "results": OBJECTS}),
        json_lines(*({"institution": one} for one in OBJECTS)),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("rows", [NUMBERED, registry_csv(registry(id="1"), registry(id="2", name="2.tar"))])
def test_the_table_in_every_form(tmp_path, table, rows):
    path = write(tmp_path, "table", table)
    assert counts(import_files([write(tmp_path, "items", rows)], institution_map=path)) == (2, 0, 0, 0, 0)
    institution = Institution.objects.get()
    assert (institution.pk, institution.identifier) == (4, "ncsu.edu")
    assert institution.name == "North Carolina State University"


@pytest.mark.parametrize("rows", [NUMBERED, IN_A_TEST_BUCKET, registry_csv(registry())])
def test_numbers_need_a_table(tmp_path, rows):
    with pytest.raises(UnreadableFile, match=r"names institutions by number.*as CSV or JSON: with --institution-map"):
        import_files([write(tmp_path, "items", rows)])
    assert not Institution.objects.exists()


def test_a_later_row_that_says_only_a_number_stays_out(tmp_path, refused):
    rows = json_lines(pharos(id=1)) + IN_A_TEST_BUCKET
    assert counts(import_files([write(tmp_path, "items", rows)])) == (1, 0, 0, 0, 1)
    assert "only by the number 17; use --institution-map" in refused("items.rejects.csv")[0]["reason"]
    assert [*Institution.objects.values_list("identifier", flat=True)] == ["ncsu.edu"]


def test_a_number_that_is_taken_here_is_given_to_nobody_else(tmp_path):
    InstitutionFactory(pk=4, identifier="columbia.edu")
    import_files([write(tmp_path, "items", NUMBERED)], institution_map=write(tmp_path, "table", INSTITUTIONS))
    ncsu = Institution.objects.get(identifier="ncsu.edu")
    assert ncsu.pk != 4
    assert set(WorkItem.objects.values_list("institution_id", flat=True)) == {ncsu.pk}


def test_new_institutions_get_numbers_beyond_the_kept_ones(tmp_path):
    table = write(tmp_path, "table", INSTITUTIONS.replace("4,", "4000000,"))
    rows = NUMBERED.replace('"institution_id": 4', '"institution_id": 4000000')
    import_files([write(tmp_path, "items", rows)], institution_map=table)
    assert Institution.objects.get().pk == 4_000_000
    assert Institution.objects.create(identifier="next.edu", name="Next").pk > 4_000_000


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("a,b\n1,2\n", "no columns id and identifier"),
        ("id,identifier\n1,a.edu\n1,b.edu\n", "institution 1 is a.edu and b.edu"),
        ("id,identifier\n", "no rows"),
        ("id,identifier\nx,a.edu\n", 'id is "x", not a whole number'),
        ("id,identifier\n1\n", "in row 2, the row has 1 cells, the header 2"),
        ("[{]", "table of institutions"),
        (b"PK\x03\x04xl/workbook", "Excel"),
        ("", "is empty"),
    ],
)
def test_a_table_that_is_none(tmp_path, table, reason):
    with pytest.raises(UnreadableFile, match=reason):
        import_files([write(tmp_path, "items", NUMBERED)], institution_map=write(tmp_path, "table", table))


@pytest.mark.parametrize("word", ["NA", "NaN", "null", ""])
def test_a_word_for_a_missing_name_is_no_name(tmp_path, word):
    """As R and pandas write an institution without a name."""
    table = write(tmp_path, "institutions.csv", f"id,identifier,name\n4,ncsu.edu,{word}\n")
    import_files([write(tmp_path, "items.csv", registry_csv(registry()))], institution_map=table)
    assert Institution.objects.get().name == "ncsu.edu"
