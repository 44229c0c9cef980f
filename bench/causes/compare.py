"""How well failures are grouped by cause: precision and recall of pairs of notes, for each tool and form, before and after.

    make bench-causes

"before" is the pattern that causes were worked out with at first (migrations/frozen/failures.py). Of two notes of one tool,
a pair with the same label should have the same cause, and any other pair shouldn't. A note without a cause is in no pair of
its own. The notes of the validators are made by broken_bags.py in their own virtual environment.
"""

import itertools
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))
os.environ.setdefault("DEBUG", "true")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pharos.settings")

import django  # noqa: E402

django.setup()

from bench.causes import worker_notes  # noqa: E402
from workitems.failures.causes import extract_cause  # noqa: E402
from workitems.migrations.frozen.failures import cause_of  # noqa: E402
from workitems.notes import find_faults  # noqa: E402

ROUNDS = 4
Note = tuple[str, str, str, str]  # tool, label, name of the bag, text


def extract(name: str, note: str) -> str:
    names = (name, f"{name}.tar", f"example.edu/{name}", "example.edu")
    return extract_cause(find_faults(note, names).texts, names)


def notes_of_validators(python: str) -> list[Note]:
    """Runs the validators on broken bags."""
    done = subprocess.run([python, HERE / "broken_bags.py", str(ROUNDS)], check=True, stdout=subprocess.PIPE, text=True)
    return [(one["tool"], one["label"], one["name"], one["note"]) for one in map(json.loads, done.stdout.splitlines())]


def pairs_right(notes: Iterable[Note], cause: Callable[[str, str], str]) -> tuple[float, float]:
    """(precision, recall) of the pairs of these notes."""
    found = [(label, cause(name, note)) for _tool, label, name, note in notes]
    both = _pairs(Counter(one for one in found if one[1]))
    grouped = _pairs(Counter(text for _label, text in found if text))
    alike = _pairs(Counter(label for label, _text in found))
    return both / grouped if grouped else 1.0, both / alike if alike else 1.0


def _pairs(counts: Counter) -> int:
    return sum(number * (number - 1) // 2 for number in counts.values())


def show_differences(tool: str, notes: list[Note]) -> None:
    """Prints causes with several labels, and labels with several causes."""
    by_label, by_cause = defaultdict(set), defaultdict(set)
    for _tool, label, name, note in notes:
        text = extract(name, note)
        by_label[label].add(text)
        by_cause[text].add(label)
    for text, labels in by_cause.items():
        if len(labels) > 1:
            print(f"  {tool}: one cause for {sorted(labels)}: {text!r}")
    for label, texts in by_label.items():
        if len(texts) > 1:
            print(f"  {tool}: {label} has {len(texts)} causes: {sorted(texts)[:6]!r}")


def main() -> None:
    notes = [*notes_of_validators(sys.argv[1]), *worker_notes.notes(ROUNDS)]
    print(f"{'tool or form':24} {'notes':>6} {'labels':>6}   {'before: P':>9} {'R':>5}   {'after: P':>8} {'R':>5}")
    tools = {
        tool: list(group)
        for tool, group in itertools.groupby(sorted(notes, key=lambda one: one[0]), lambda one: one[0])
    }
    for tool, group in tools.items():
        before = pairs_right(group, lambda name, note: cause_of(note))
        after = pairs_right(group, extract)
        labels = len({label for _tool, label, _name, _note in group})
        print(
            f"{tool:24} {len(group):6} {labels:6}   {before[0]:9.3f} {before[1]:5.3f}   {after[0]:8.3f} {after[1]:5.3f}"
        )
    print(f"{len(notes)} notes")
    if "--differences" in sys.argv:
        for tool, group in tools.items():
            show_differences(tool, group)


if __name__ == "__main__":
    main()
