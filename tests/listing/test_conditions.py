"""Conditions that the summary table can't answer, on a handful of rows."""

import pytest

from workitems.listing.conditions import any_registry_action
from workitems.models import WorkItem

from ..factories import make_item


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["Restore Object"], {"object"}),
        (["Restore File"], {"file"}),
        (["Restore File", "Restore Object"], {"object", "file"}),
        (["Delete"], {"deleted", "deleted file"}),
        (["Ingest", "Restore File"], {"ingest", "file"}),
    ],
)
def test_registry_tells_the_restorations_of_objects_and_of_files_apart(virginia, words, names):
    file = "virginia.edu/bag/data/1"
    make_item(virginia, name="object", action="Restore")
    make_item(virginia, name="file", action="Restore", generic_file_identifier=file)
    make_item(virginia, name="deleted", action="Delete")
    make_item(virginia, name="deleted file", action="Delete", generic_file_identifier=file)
    make_item(virginia, name="ingest")
    found = WorkItem.objects.filter(any_registry_action(words))
    assert {item.name for item in found} == names
