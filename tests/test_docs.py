"""README.md and docs/: links work, and the names in them exist."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from workitems.listing import COUNT_LIMIT, SORTS, ListFilterSet
from workitems.listing.names import PAGES

ROOT = Path(settings.BASE_DIR)
README = ROOT / "README.md"
PAGES_OF_DOCS = sorted((ROOT / "docs").glob("*.md"))
DOCUMENTS = [README, *PAGES_OF_DOCS, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def links_of(text):
    """Returns the targets of a document's links and images, except for web addresses."""
    return [link for link in LINK.findall(CODE.sub("", text)) if "://" not in link]


def anchors_of(text):
    """Returns the anchor of each heading, as on GitHub."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(document, text):
    """Returns the broken links."""
    found = []
    for link in links_of(text):
        file, _, anchor = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        is_there = target.is_file() and target.is_relative_to(ROOT)
        if not is_there or (anchor and anchor not in anchors_of(target.read_text())):
            found.append(link)
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_works(document):
    assert broken(document, document.read_text()) == []


def test_the_check_of_links_detects_broken_ones():
    text = """# A `b` & c!
[good](docs/api.md#keys) ![picture](docs/list.png) [web](https://example.org) `[code](no.md)`
[no file](docs/no.md) [no anchor](docs/api.md#no) [outside](../elsewhere.md)
"""
    assert broken(README, text) == ["docs/no.md", "docs/api.md#no", "../elsewhere.md"]
    assert anchors_of(text) == {"a-b--c"}


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) <= 200


def test_the_readme_links_to_every_page():
    linked = {link.partition("#")[0] for link in links_of(README.read_text())}
    assert {f"docs/{page.name}" for page in PAGES_OF_DOCS} <= linked
    assert {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"} <= linked


def names_in(section):
    """Returns the names in the first column of a table in docs/list-addresses.md."""
    text = (ROOT / "docs" / "list-addresses.md").read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_exactly_the_existing_list_parameters_are_documented():
    documented = names_in("Filters") + names_in("How the list is shown")
    missing = [name for given, name in PAGES.names.items() if given not in documented]
    lines = [f"| `{name}` | {ListFilterSet.declared_filters[name].about} |" for name in missing]
    assert lines == [], "add to docs/list-addresses.md:\n" + "\n".join(lines)
    assert sorted(documented) == sorted(PAGES.names)


def test_exactly_the_existing_sort_orders_are_documented():
    assert sorted(names_in("Orders")) == sorted(SORTS)


def commands_of_ours():
    return {
        name for name, app in get_commands().items() if app in ("workitems", "pharos.accounts", "pharos.operations")
    }


def test_the_documented_limit_of_counts_is_the_real_one():
    using = (ROOT / "docs/using.md").read_text()
    assert f"up to {COUNT_LIMIT:,} matches" in " ".join(using.split())
    assert f"more than {COUNT_LIMIT:,}" in " ".join(using.split())


def test_every_command_is_documented():
    text = "\n".join(page.read_text() for page in PAGES_OF_DOCS)
    assert {name for name in commands_of_ours() if not re.search(rf"\b{name}\b", text)} == set()


def test_every_documented_command_exists():
    for document in DOCUMENTS:
        text = document.read_text()
        assert {*re.findall(r"(?:manage\.py|deploy/manage) ([a-z_]+)", text)} <= {*get_commands()}, document.name
        targets = {*re.findall(r"^\$ make ([a-z-]+)|`make ([a-z-]+)", text, re.MULTILINE)}
        for target in {name for pair in targets for name in pair if name}:
            assert f"\n{target}: " in (ROOT / "Makefile").read_text(), (document.name, target)


def test_each_term_is_explained_once():
    text = (ROOT / "docs" / "terms.md").read_text()
    terms = [one for row in re.findall(r"^\| ([^|]+) \| ", text, re.MULTILINE) for one in row.split(", ")]
    explained = [term for term in terms if term not in ("term", "---")]
    assert len(explained) > 50
    assert sorted(explained) == sorted(set(explained))
