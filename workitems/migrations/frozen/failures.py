"""Migration 0012: the cause of each failure, out of its note."""

import re

from django.db import transaction

PIECE, LONGEST = 1000, 200
_ANNOUNCES = re.compile(r"\b(is not valid|is invalid|errors?)[.:]?$", re.IGNORECASE)
# Whatever a worker calls the thing that the sentence is about.
_SUBJECT = re.compile(
    r"^(Bag|Object|File|Item)\s.+?(?=\s(?:is|has|was|were|did|does|could|cannot|can|contains?|failed)\b)"
)
_OWN = re.compile(
    r"""
      “[^”]*” | "[^"]*" | (?<![\w])'[^']*'(?!\w)     # what is quoted
    | \w+://\S+ | \S+@\S+                            # addresses
    | [^\s/]*/\S*[^\s.,;:)] | [^\s\\]*\\\S+          # paths and identifiers
    | \b[\w-]+(?:\.[\w-]+)*\.[a-z]\w{1,5}\b          # files and hosts
    | (?<!\w)(?!(?:S3|MD5|SHA-?\d+)\b)[^\s(]*\d[^\s,;:)]*   # numbers, digests, times, names with numbers
    """,
    re.VERBOSE,
)
_REPEATED = re.compile(r"…(?:[\s,;]*…)+")


def record_failures(apps, connection):
    """Records the failure of every item that is failed and has none recorded; a piece in a transaction."""
    items = apps.get_model("workitems", "WorkItem").objects.using(connection.alias)
    # As a subquery: the models of a migration have no relation back.
    failure = apps.get_model("workitems", "Failure")
    recorded = failure.objects.using(connection.alias)
    unknown = items.filter(status="Failed").exclude(pk__in=recorded.values("item")).order_by("pk")
    last = 0
    while rows := list(unknown.filter(pk__gt=last).values_list("pk", "institution_id", "note", "updated_at")[:PIECE]):
        with transaction.atomic(using=connection.alias):
            numbers = _numbers(apps, connection, {cause_of(note) for _pk, _institution, note, _at in rows})
            recorded.bulk_create(
                [
                    failure(item_id=pk, institution_id=institution, cause_id=numbers[cause_of(note)], at=at)
                    for pk, institution, note, at in rows
                ],
                update_conflicts=True,
                unique_fields=["item"],
                update_fields=["cause", "at"],
            )
        last = rows[-1][0]


def _numbers(apps, connection, texts):
    """{text: number of the cause}."""
    cause = apps.get_model("workitems", "Cause")
    causes = cause.objects.using(connection.alias)
    # In order, so that two writers with the same new causes wait for each other in one direction only.
    causes.bulk_create([cause(text=text) for text in sorted(texts)], ignore_conflicts=True)
    return dict(causes.filter(text__in=texts).values_list("text", "pk"))


def cause_of(note):
    """The cause that a note names; the same for notes that differ only in what they are about."""
    line = _SUBJECT.sub(r"\1 …", _first_line(note, 2 * LONGEST))
    line = _REPEATED.sub("…", _OWN.sub("…", line)).strip()
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"


def _first_line(note, limit):
    lines = [line.strip() for line in note.splitlines() if line.strip()] or [""]
    line = lines[1] if len(lines) > 1 and _ANNOUNCES.search(lines[0]) else lines[0]
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
