"""An item in plain text, to paste into an email to support, where it is read without signing in."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..notes import fold_note
from .item_detail import ItemDetail, VisibleEntry
from .template_helpers import exact_time, move_word, plain_value, via_word

LAST_ENTRIES = 10
NOTE_LINES = 20
NOTE_CHARACTERS = 4000


def support_text(detail: ItemDetail) -> str:
    """The item as this reader can see it. The template puts the address of the item's page above it."""
    return "\n".join([*_facts(detail), *_note(detail.item.note), *_history(detail)])


def _facts(detail: ItemDetail) -> Iterator[str]:
    item = detail.item
    facts = (
        (_("Item"), f"{item.pk}, {item.name}"),
        (_("Etag"), item.etag),
        (_("Institution"), f"{item.institution.name} ({item.institution.identifier})"),
        (_("Action / stage / status"), f"{item.action} / {item.stage} / {item.status}"),
        (_("Object identifier"), item.object_identifier),
        (_("File identifier"), item.generic_file_identifier),
        (_("Received"), exact_time(item.date)),
        (_("Updated"), exact_time(item.updated_at)),
    )
    yield from (f"{label}: {value}" for label, value in facts if value)


def _note(note: str) -> Iterator[str]:
    if not note:
        return
    yield f"{_('Note / Error')}:"
    folded = fold_note(note, lines=NOTE_LINES, characters=NOTE_CHARACTERS, most=len(note))
    yield from _indented(folded.head)
    if left_out := folded.rest_lines:
        yield from _indented(
            ngettext("… %(number)d more line", "… %(number)d more lines", left_out) % {"number": left_out}
        )
    elif folded.rest:
        yield from _indented(_("… and more in the same line"))


def _history(detail: ItemDetail) -> Iterator[str]:
    shown = detail.history[:LAST_ENTRIES]
    yield _("History, last %(shown)d of %(number)d entries:") % {"shown": len(shown), "number": detail.item.version}
    for one in shown:
        yield from _indented(_entry(one))


def _entry(shown: VisibleEntry) -> str:
    entry = shown.entry
    before, after = (
        f"{stage} / {status}"
        for stage, status in (
            (entry.stage_before, entry.status_before),
            (entry.stage_after, entry.status_after),
        )
    )
    moved = f"{before} → {after}" if entry.stage_before and before != after else after
    changes = [f"{name}: {plain_value(old)} → {plain_value(new)}" for name, old, new in shown.changes]
    return "; ".join(
        [f"{exact_time(entry.at)}, {move_word(entry.move)}, {moved}", f"{entry.who}, {via_word(entry.via)}", *changes]
    )


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.split("\n")]
