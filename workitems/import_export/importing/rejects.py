"""The rejected rows with their reasons, in a file that can be corrected and imported.

The file is only ever one that this program made: never another one, and never one that a link leads to.
"""

import csv
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from ..spreadsheet_cells import guard
from .raw_rows import ImportStopped, RawRow, UnreadableFile

COLUMNS = ("number", "id", "reason", "text")
_HEADER = b'"number","id","reason","text"'


def rejects_paths(names: Sequence[str], wanted: str | Path | None) -> dict[str, Path]:
    """The path of each input's rejects. Raises UnreadableFile if it is one of the inputs, or a file that isn't ours."""
    if str(wanted) == "-":
        raise UnreadableFile("Rejected rows are written to a file: name it with --rejects.")
    paths: dict[str, Path] = {}
    for name in names:
        path = Path(wanted) if wanted else _default_path(name)
        if not wanted and path in paths.values():
            path = Path(f"{name}.rejects.csv")  # items.json and items.csv can be in the same folder
        paths[name] = path
    inputs = {Path(name).resolve() for name in names if name != "-"}
    for path in paths.values():
        if path.resolve() in inputs:
            raise UnreadableFile(f"The rejects would overwrite the input {path}. Use --rejects to name another file.")
        if problem := _problem_of(path):
            raise UnreadableFile(
                f"The rejects can't be written to {path}: {problem}. Use --rejects to name another file."
            )
    return paths


def _default_path(name: str) -> Path:
    if name == "-":
        return Path("workitems.rejects.csv")
    path = Path(name)
    stem = path.name.removesuffix(".gz")
    return path.with_name(f"{Path(stem).stem}.rejects.csv")


def _problem_of(path: Path) -> str:
    """Returns why what is at this path must not be replaced; empty if nothing is there, or rejects of an earlier run."""
    try:
        there = path.lstat()
    except FileNotFoundError:
        return "" if path.parent.is_dir() else "there is no such folder"
    except OSError as error:
        return str(error.strerror or error)
    if stat.S_ISLNK(there.st_mode):
        return "it is a link"
    if not stat.S_ISREG(there.st_mode):
        return "it is not a file"
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            is_ours = file.readline().rstrip() == _HEADER
    except OSError as error:
        return str(error.strerror or error)
    return "" if is_ours else "there is a file that no import has written"


class Rejects:
    """A CSV file that is only created when a row is rejected. `source`: the name of the input, if several share the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = ""
        self._file: TextIO | None = None

    def __enter__(self) -> "Rejects":
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file:
            self._file.close()

    @property
    def is_made(self) -> bool:
        return self._file is not None

    def remove_old(self) -> bool:
        """Removes the rejects file of an earlier run, unless this run has written one. Returns whether it did."""
        if self.is_made or not self.path.is_file() or _problem_of(self.path):
            return False
        try:
            self.path.unlink()
        except OSError as error:
            raise ImportStopped(
                f"The rejects file {self.path} is from an earlier run and can't be removed: {error.strerror or error}."
            ) from error
        return True

    def write(self, raw: RawRow, reason: str) -> None:
        number = f"{self.source}:{raw.number}" if self.source else raw.number
        try:
            if self._file is None:
                self._file = self._create()
                self._row(COLUMNS)
            self._row([guard(str(number)), _id(raw.value), guard(reason), guard(raw.text())])
        except OSError as error:
            raise ImportStopped(
                f"The rejects file {self.path} can't be written: {error.strerror or error}. Use --rejects to name another file."
            ) from error

    def _create(self) -> TextIO:
        """Creates a new file in the place of an earlier run's. Whatever was put there meanwhile is not written to."""
        if problem := _problem_of(self.path):
            raise OSError(problem)
        self.path.unlink(missing_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        return open(handle, "w", encoding="utf-8", errors="backslashreplace", newline="")

    def _row(self, cells: Sequence[Any]) -> None:
        csv.writer(self._file, quoting=csv.QUOTE_ALL).writerow(cells)  # type: ignore[arg-type]


def _id(value: Any) -> Any:
    row = value.get("item", value) if isinstance(value, Mapping) else None
    number = row.get("id") if isinstance(row, Mapping) else ""
    return guard(number) if isinstance(number, str) else number if isinstance(number, int | float) else ""
