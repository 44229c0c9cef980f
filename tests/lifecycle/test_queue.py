"""Where the installation's queue takes up items: its stages and topics, without a database."""

import pytest

from workitems.lifecycle import PATHS, PRESENT_TOPICS, check_served, read_topics, served_stages, topic_of

from ..lifecycle_cases import PATH


@pytest.mark.parametrize(
    ("action", "stage", "about_file", "topic"),
    [
        ("Ingest", "Store", False, "one"),
        ("Ingest", "Record", False, "any"),
        ("Restore", "Requested", False, "objects"),
        ("Restore", "Requested", True, "both"),
        ("Restore", "Fetch", True, "late files"),
        ("Restore", "Fetch", False, "objects"),
        ("Delete", "Requested", True, "gone"),
        ("DPN", "Requested", False, ""),
    ],
)
def test_the_most_exact_topic_is_used(action, stage, about_file, topic):
    topics = {
        "Ingest": "any",
        "Ingest/Store": "one",
        "Restore": "both",
        "Restore Object": "objects",
        "Restore File/Fetch": "late files",
        "Delete": "gone",
    }
    assert topic_of(topics, action, stage, about_file=about_file) == topic


@pytest.mark.parametrize("action", PATH)
def test_a_queue_without_settings_serves_everything(action):
    assert served_stages(action, about_file=False, stages=[], topics=None) is None


def test_only_the_stages_of_an_ingest_can_be_limited():
    found = {
        action: served_stages(action, about_file=False, stages=["Receive", "Store"], topics=None) for action in PATHS
    }
    assert found.pop("Ingest") == {"Receive", "Store"}
    assert set(found.values()) == {None}


def test_what_is_pushed_needs_a_topic():
    served = {
        action: served_stages(action, about_file=False, stages=[], topics=PRESENT_TOPICS) or set() for action in PATHS
    }
    assert served["Ingest"] == {*PATH["Ingest"]} - {"Fetch", "Unpack", "Resolve"}
    assert "Requested" in served["Restore"] & served["Glacier Restore"] & served["Delete"]
    assert (served["Fixity Check"], served["DPN"]) == (set(), set())
    both = served_stages("Ingest", about_file=False, stages=["Fetch", "Store"], topics=PRESENT_TOPICS)
    assert both == {"Store"}
    assert served_stages("Restore", about_file=True, stages=[], topics={"Restore Object": "a"}) == set()


def test_a_stage_to_be_served_needs_a_topic():
    check_served(["Receive", "Store"], PRESENT_TOPICS)
    check_served(["Fetch"], {"Ingest": "any"})
    with pytest.raises(ValueError, match="“Fetch” has no topic"):
        check_served(["Receive", "Fetch"], PRESENT_TOPICS)


def test_pairs_are_read():
    assert read_topics([]) == {}
    assert read_topics([" Ingest/Copy To Staging = a.b-c_9 ", "DPN=x#ephemeral"]) == {
        "Ingest/Copy To Staging": "a.b-c_9",
        "DPN": "x#ephemeral",
    }
    assert read_topics(["Delete=" + "x" * 64])
    for wrong in ("Delete=" + "x" * 65, "Delete=a/b", "Delete=a=b", "Restore File/Store=x", "/Store=x", "=x"):
        with pytest.raises(ValueError, match="“"):
            read_topics([wrong])
