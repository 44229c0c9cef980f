"""Finds the institution of an item: by the domain in its row, by a number and a table of institutions, or by its names."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from pharos.accounts.models import Institution, is_domain

from .parsing import InvalidRow, parse_field, parse_integer, parse_text
from .raw_rows import UnreadableFile

TABLE_NAMES = ("institutions.csv", "INSTITUTIONS.csv")
_BUCKETS = ("aptrust.receiving.", "aptrust.restore.")


def find_table(path: Path) -> Path | None:
    """Returns the table of institutions next to a dump, or None."""
    return next((path.with_name(name) for name in TABLE_NAMES if path.with_name(name).is_file()), None)


class Institutions:
    """The domains and names seen so far. A number stands for the same domain throughout a run."""

    def __init__(self) -> None:
        self.table: Path | None = None
        self.names: dict[str, str] = {}
        self.ids: dict[str, int] = dict(Institution.objects.values_list("identifier", "id"))
        self._numbers: dict[int, str] = {}
        self._good: set[str] = set()

    def read_table(self, path: Path) -> None:
        """Reads Registry's institutions from a CSV file: id, name, identifier. Raises UnreadableFile."""
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.DictReader(file)
                if not {"id", "identifier"} <= set(rows.fieldnames or []):
                    raise UnreadableFile(
                        f"{path} has no columns id and identifier, so it is not a table of institutions."
                    )
                for row in rows:
                    self._read_line(row)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise UnreadableFile(f"The table of institutions {path} can't be read: {error}") from error
        except InvalidRow as bad:
            raise UnreadableFile(f"The table of institutions {path} can't be used: {bad}.") from bad
        self.table = path

    def _read_line(self, row: Mapping[str, Any]) -> None:
        number = parse_field("id", parse_integer, row["id"])
        domain = parse_field("identifier", parse_text, row["identifier"]).strip().lower()
        if number is None or not domain:
            return
        if self._numbers.setdefault(number, domain) != domain:
            raise InvalidRow(f"institution {number} is {self._numbers[number]} and {domain}")
        self.add_name(domain, parse_field("name", parse_text, row.get("name")))

    def add_name(self, domain: str, name: str) -> None:
        if name.strip():
            self.names.setdefault(domain, name.strip()[:255])

    def find_domain(self, row: Mapping[str, Any]) -> str:
        """Returns the domain of the institution that owns a row's item. Raises InvalidRow."""
        stated, number = _stated_owner(row)
        domain = stated or self._domain_of_number(row, number)
        self._check(domain)
        if number is not None and self._numbers.setdefault(number, domain) != domain:
            raise InvalidRow(f"institution_id {number} is {self._numbers[number]} elsewhere, but {domain} here")
        if row.get("institution_name"):
            self.add_name(domain, parse_field("institution_name", parse_text, row["institution_name"]))
        return domain

    def _domain_of_number(self, row: Mapping[str, Any], number: int | None) -> str:
        if number is not None and number in self._numbers and self.table:
            return self._numbers[number]
        if number is not None and self.table:
            raise InvalidRow(f"institution_id {number} is not in {self.table.name}; add it there with its identifier")
        shown = None if self.table else _domain_in_names(row) or self._numbers.get(number or 0)
        if shown:
            return shown
        raise InvalidRow(
            "can't determine which institution owns the item; use --institution-map with the table of institutions, "
            "or add a field institution with the domain"
        )

    def _check(self, domain: str) -> None:
        if domain in self._good:
            return
        try:
            is_domain(domain)
        except ValidationError:
            raise InvalidRow(
                f"the institution is {domain[:100]!r}, which is not a domain such as virginia.edu"
            ) from None
        self._good.add(domain)

    def add(self, identifier: Any, name: Any) -> str:
        """Adds an institution from an export and returns its domain. Raises InvalidRow."""
        domain = parse_field("identifier", parse_text, identifier).strip().lower()
        self._check(domain)
        self.add_name(domain, parse_field("name", parse_text, name))
        return domain

    def missing(self, domains: set[str]) -> list[str]:
        return sorted(domains - self.ids.keys())

    def create(self, domain: str) -> int:
        name = self.names.get(domain, domain)
        return Institution.objects.get_or_create(identifier=domain, defaults={"name": name})[0].pk


def _stated_owner(row: Mapping[str, Any]) -> tuple[str, int | None]:
    """Returns the domain and the number in a row; the field `institution` can be either."""
    word = row.get("institution") or row.get("institution_identifier") or ""
    number = row.get("institution_id")
    if type(word) is int or (type(word) is str and word.isdecimal()):
        word, number = row.get("institution_identifier") or "", word
    domain = parse_field("institution", parse_text, word).strip().lower()
    return domain, parse_field("institution_id", parse_integer, number)


def _domain_in_names(row: Mapping[str, Any]) -> str | None:
    owner, slash, _rest = str(row.get("object_identifier") or "").partition("/")
    if slash and is_domain.regex.search(owner.lower()):  # type: ignore[union-attr]
        return owner.lower()
    bucket = str(row.get("bucket") or "")
    return next((bucket.removeprefix(start).lower() for start in _BUCKETS if bucket.startswith(start)), None)
