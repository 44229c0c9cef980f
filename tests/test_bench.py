"""The benchmarks' own rules: the documented figures come from the results, and the generated data is reproducible."""

from datetime import UTC, datetime

import pytest

from bench import bulk_loading, distribution, figures, history_generator, item_generator, results
from workitems.lifecycle import PATHS, SUCCESS_AT, phase_of
from workitems.models import WorkItem
from workitems.search import build_search_text

END = datetime(2026, 5, 4, tzinfo=UTC)
TOTAL = 20_000


@pytest.fixture(scope="module")
def lines():
    data, _digest = item_generator.copy_chunk(0, TOTAL, END, 10)
    return [dict(zip(item_generator.COLUMNS, line.split("\t"), strict=True)) for line in data.decode().splitlines()]


@pytest.mark.parametrize("document", figures.DOCUMENTS, ids=lambda document: document.name)
def test_the_figures_in_the_documents_are_those_of_the_results(document):
    text = document.read_text()
    assert text.count(figures.BEGIN) == text.count(figures.END) == 1
    assert figures.replaced(document, results.read()) == text


def test_the_readme_has_three_figures():
    assert sum(line.startswith("- ") for line in figures.summary(results.read())) == 3


def test_a_missed_target_is_shown_as_missed():
    found = results.read()
    found["targets"][0] |= {"reached": False, "missed_by": "12 %"}
    [line] = [line for line in figures.tables(found) if line.startswith(f"| {found['targets'][0]['target']} |")]
    assert "**missed by 12 %**" in line


def test_figures_follow_the_results():
    found = results.read()
    before = [*figures.summary(found)], [*figures.tables(found)]
    [largest] = [size for size in found["measured"]["postgresql"] if int(size) == 10_000_000]
    for one in found["measured"]["postgresql"][largest]["pages"]:
        one["ms"] = 987.6
    after = [*figures.summary(found)], [*figures.tables(found)]
    for former, now in zip(before, after, strict=True):
        assert "988 ms" in " ".join(now)
        assert former != now


@pytest.mark.parametrize("measured", [{}, {"postgresql": {"20000": {"pages": []}}}])
def test_no_figures_without_measurements(measured):
    found = {"machine": {"cores": 2, "memory_gb": 24}, "measured": measured, "targets": []}
    assert [*figures.summary(found)] == []
    assert not any("ms" in line.split() for line in figures.tables(found))


def test_data_does_not_depend_on_the_day_it_is_generated():
    _data, digest = item_generator.copy_chunk(0, TOTAL, END, 10)
    later, same = item_generator.copy_chunk(0, TOTAL, END.replace(year=2031), 10)
    assert digest == same
    assert b"2031" in later


def test_every_column_of_an_item_is_filled(lines):
    of_model = {column.column for column in WorkItem._meta.concrete_fields}
    assert set(item_generator.COLUMNS) == of_model
    assert {line["version"] for line in lines} == {"10"}


def test_generated_items_have_the_intended_distribution(lines):
    owners = [line["institution_id"] for line in lines]
    statuses = [line["status"] for line in lines]
    assert len(distribution.MEMBERS) == len(distribution.SHARES) == 30
    assert 0.29 < owners.count("1") / TOTAL < 0.37
    assert 0.9 < statuses.count("Success") / TOTAL < 0.98
    assert sum(line["action"] == "Ingest" for line in lines) / TOTAL > 0.75
    assert sum(status in ("Pending", "Started") for status in statuses) > 50
    assert 900 < distribution.expected_cells(100_000) < 1_200
    assert 1_700 < distribution.expected_cells(10_000_000) < 2_000


def test_generated_items_follow_the_rules_of_the_product(lines):
    for line in lines:
        text = {name: "" if line[name] == item_generator.NULL else line[name] for name in ("name", "etag")}
        item = WorkItem(
            **text,
            object_identifier=line["object_identifier"],
            generic_file_identifier=line["generic_file_identifier"],
        )
        assert line["search_text"].replace(r"\n", "\n") == build_search_text(item)
        phase = phase_of(line["status"], retry=line["retry"] == item_generator.TRUE)
        assert line["reviewed"] == item_generator.FALSE or phase == "closed"
        assert line["stage"] in PATHS[line["action"]]
        assert line["status"] != "Success" or line["stage"] in SUCCESS_AT[line["action"]]


@pytest.mark.parametrize("entries", [1, 3, 10])
def test_every_kind_of_item_has_a_history(lines, entries):
    kinds: dict[tuple, list[history_generator.Step]] = {}
    for step in history_generator.steps(entries):
        kinds.setdefault((step.action, step.stage, step.status, step.retry, step.reviewed), []).append(step)
    for line in lines:
        flags = (line["retry"] == item_generator.TRUE, line["reviewed"] == item_generator.TRUE)
        history = kinds[line["action"], line["stage"], line["status"], *flags]
        assert [step.number for step in history] == list(range(1, entries + 1))
        assert (history[-1].stage_after, history[-1].status_after) == (line["stage"], line["status"])
        assert history[0].move == ("import" if entries == 1 else "create")
        assert history[-1].part == 1


def test_copy_lines_are_converted_for_sqlite(lines):
    data, _digest = item_generator.copy_chunk(0, 2, END, 10)
    values = dict(zip(item_generator.COLUMNS, bulk_loading._sqlite_values(data.decode().splitlines()[0]), strict=True))
    assert (values["id"], values["version"], values["pid"]) == (1, 10, None)
    assert values["reviewed"] in (0, 1)
    assert "\n" in values["search_text"]
    assert datetime.fromisoformat(values["date"]) <= END.replace(tzinfo=None)
