"""Notes on an item's page: folded, cut, readable, and whole as a file."""

import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..factories import make_item
from .page_elements import parse_page


def url(item):
    return f"/items/{item.pk}"


def with_note(institution, note):
    item = make_item(institution)
    WorkItem.objects.filter(pk=item.pk).update(note=note)
    return item


def note_panel(response):
    return parse_page(response).one("section", aria_labelledby="note")


def test_one_long_line_is_folded(signed_in, dora, virginia):
    item = with_note(virginia, "word " * 40_000)
    panel = note_panel(signed_in(dora).get(url(item)))
    assert len(panel.all("pre")[0].text) <= 2000
    assert panel.one("summary").words == "The rest of the note"
    assert panel.all("a") == []


def test_many_lines_are_folded(signed_in, dora, virginia):
    panel = note_panel(signed_in(dora).get(url(with_note(virginia, "line\n" * 25))))
    assert panel.one("summary").words == "5 more lines"


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_what_a_page_cuts_is_in_the_file(cast, signed_in, virginia, who):
    note = "ä\x1b[31m" * 300_000
    item = with_note(virginia, note)
    client = signed_in(cast[who])
    response = client.get(url(item))
    assert len(response.content) < 800_000
    link = note_panel(response).one("a")
    assert link.words == "The complete note as a file (2.1 MB)"
    file = client.get(link["href"])
    assert file.content.decode() == note
    assert file["Content-Type"] == "text/plain; charset=utf-8"
    assert file["Content-Disposition"] == f'attachment; filename="item-{item.pk}-note.txt"'


def test_a_long_note_in_the_history_is_in_a_file_too(signed_in, dora, ada, wally, item):
    note = "x" * 30_000
    transitions.fail(item, note=note, retry=True, by=wally)
    transitions.edit(item, note="Short.", by=ada)
    client = signed_in(dora)
    [link] = parse_page(client.get(url(item))).one("li", data_move="fail").all("a")
    assert client.get(link["href"]).content.decode() == note
    assert client.get(f"{url(item)}/note").content == b"Short."


@pytest.mark.parametrize("entry", ["9", "0", "-1", "x", "", "9" * 50])
def test_an_entry_that_is_not_there(signed_in, dora, item, entry):
    assert signed_in(dora).get(f"{url(item)}/note?entry={entry}").status_code == 404


def test_another_institutions_note_is_not_found(signed_in, dora, theirs):
    assert signed_in(dora).get(f"{url(theirs)}/note").status_code == 404


def test_terminal_codes_and_directions_are_not_shown_raw(signed_in, dora, wally, item):
    note = "\x1b[31mThe file\u202e gpj.exe\x1b[0m is missing.\r\n10 %\r90 %"
    transitions.fail(item, stage="Validate", note=note, retry=False, by=wally)
    client = signed_in(dora)
    for address in (url(item), "/items/"):
        text = client.get(address).content.decode()
        assert "\x1b" not in text
        assert "\u202e" not in text
    shown = note_panel(client.get(url(item))).one("pre").text
    assert shown == "The file[U+202E] gpj.exe is missing.\n90 %"


def test_the_title_of_a_page_shows_directions_of_a_name(signed_in, dora, virginia):
    item = make_item(virginia, name="\u202egpj.exe.tar")
    page = parse_page(signed_in(dora).get(url(item)))
    assert page.one("title").words == "[U+202E]gpj.exe.tar · Pharos"
