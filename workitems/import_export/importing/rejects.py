"""Writes rejected rows and the reasons to a CSV file."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from .raw_rows import ImportStopped, RawRow, UnreadableFile

COLUMNS = ("number", "id", "reason", "text")
_HEADER = b'"number","id","reason","text"'


def rejects_paths(names: Sequence[str], wanted: str | Path | None) -> dict[str, Path]:
    """Returns {input: path of its rejects file}. Raises UnreadableFile if a rejects file would overwrite an input."""
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
    return paths


def _default_path(name: str) -> Path:
    if name == "-":
        return Path("workitems.rejects.csv")
    path = Path(name)
    stem = path.name.removesuffix(".gz")
    return path.with_name(f"{Path(stem).stem}.rejects.csv")


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
        if self.is_made or not self.path.is_file():
            return False
        try:
            with self.path.open("rb") as file:
                is_ours = file.readline().rstrip() == _HEADER
            if is_ours:
                self.path.unlink()
        except OSError as error:
            raise ImportStopped(
                f"The rejects file {self.path} is from an earlier run and can't be removed: {error.strerror or error}."
            ) from error
        return is_ours

    def write(self, raw: RawRow, reason: str) -> None:
        number = f"{self.source}:{raw.number}" if self.source else raw.number
        try:
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
                self._row(COLUMNS)
            self._row([number, _id(raw.value), reason, raw.text()])
        except OSError as error:
            raise ImportStopped(
                f"The rejects file {self.path} can't be written: {error.strerror or error}. Use --rejects to name another file."
            ) from error

    def _row(self, cells: Sequence[Any]) -> None:
        csv.writer(self._file, quoting=csv.QUOTE_ALL).writerow(cells)  # type: ignore[arg-type]


def _id(value: Any) -> Any:
    row = value.get("item", value) if isinstance(value, Mapping) else None
    number = row.get("id") if isinstance(row, Mapping) else ""
    return number if isinstance(number, int | float | str) else ""
