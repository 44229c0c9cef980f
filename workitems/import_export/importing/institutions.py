"""Whose an item is: the file says a domain, or a number for which there is a table, or it shows in the names."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from pharos.accounts.models import Institution, is_domain

from .raw import Unreadable
from .rows import Bad, read_field, text, whole

USUAL_NAMES = ("institutions.csv", "INSTITUTIONS.csv")
_BUCKETS = ("aptrust.receiving.", "aptrust.restore.")


def beside(path: Path) -> Path | None:
    """The table of institutions that lies beside a dump."""
    return next((path.with_name(name) for name in USUAL_NAMES if path.with_name(name).is_file()), None)


class Institutions:
    """Domains and names met so far. A number means one domain in the whole run, whatever says so first."""

    def __init__(self) -> None:
        self.table: Path | None = None
        self.names: dict[str, str] = {}
        self.ids: dict[str, int] = dict(Institution.objects.values_list("identifier", "id"))
        self._numbers: dict[int, str] = {}
        self._good: set[str] = set()

    def read_table(self, path: Path) -> None:
        """Registry's institutions as CSV: id, name, identifier. Raises Unreadable."""
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.DictReader(file)
                if not {"id", "identifier"} <= set(rows.fieldnames or []):
                    raise Unreadable(f"{path} has no columns id and identifier, so it is not a table of institutions.")
                for row in rows:
                    self._read_line(row)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise Unreadable(f"The table of institutions {path} can't be read: {error}") from error
        except Bad as bad:
            raise Unreadable(f"The table of institutions {path} can't be used: {bad}.") from bad
        self.table = path

    def _read_line(self, row: Mapping[str, Any]) -> None:
        number = read_field("id", whole, row["id"])
        domain = read_field("identifier", text, row["identifier"]).strip().lower()
        if number is None or not domain:
            return
        if self._numbers.setdefault(number, domain) != domain:
            raise Bad(f"institution {number} is {self._numbers[number]} and {domain}")
        self.called(domain, read_field("name", text, row.get("name")))

    def called(self, domain: str, name: str) -> None:
        if name.strip():
            self.names.setdefault(domain, name.strip()[:255])

    def domain_of(self, row: Mapping[str, Any]) -> str:
        """The domain of the institution that owns the item of a row. Raises Bad."""
        said, number = _said(row)
        domain = said or self._by_number(row, number)
        self._check(domain)
        if number is not None and self._numbers.setdefault(number, domain) != domain:
            raise Bad(f"institution_id {number} is {self._numbers[number]} elsewhere, but {domain} here")
        if row.get("institution_name"):
            self.called(domain, read_field("institution_name", text, row["institution_name"]))
        return domain

    def _by_number(self, row: Mapping[str, Any], number: int | None) -> str:
        if number is not None and number in self._numbers and self.table:
            return self._numbers[number]
        if number is not None and self.table:
            raise Bad(f"institution_id {number} is not in {self.table.name}; add it there with its identifier")
        shown = None if self.table else _shown_by_names(row) or self._numbers.get(number or 0)
        if shown:
            return shown
        raise Bad(
            "can't determine which institution owns the item; use --institution-map with the table of institutions, "
            "or add a field institution with the domain"
        )

    def _check(self, domain: str) -> None:
        if domain in self._good:
            return
        try:
            is_domain(domain)
        except ValidationError:
            raise Bad(f"the institution is {domain[:100]!r}, which is not a domain such as virginia.edu") from None
        self._good.add(domain)

    def add(self, identifier: Any, name: Any) -> str:
        """An institution that an export lists. Raises Bad."""
        domain = read_field("identifier", text, identifier).strip().lower()
        self._check(domain)
        self.called(domain, read_field("name", text, name))
        return domain

    def missing(self, domains: set[str]) -> list[str]:
        return sorted(domains - self.ids.keys())

    def create(self, domain: str) -> int:
        name = self.names.get(domain, domain)
        return Institution.objects.get_or_create(identifier=domain, defaults={"name": name})[0].pk


def _said(row: Mapping[str, Any]) -> tuple[str, int | None]:
    """The domain and the number that a row names; `institution` is either."""
    word = row.get("institution") or row.get("institution_identifier") or ""
    number = row.get("institution_id")
    if type(word) is int or (type(word) is str and word.isdecimal()):
        word, number = row.get("institution_identifier") or "", word
    domain = read_field("institution", text, word).strip().lower()
    return domain, read_field("institution_id", whole, number)


def _shown_by_names(row: Mapping[str, Any]) -> str | None:
    owner, slash, _rest = str(row.get("object_identifier") or "").partition("/")
    if slash and is_domain.regex.search(owner.lower()):  # type: ignore[union-attr]
        return owner.lower()
    bucket = str(row.get("bucket") or "")
    return next((bucket.removeprefix(start).lower() for start in _BUCKETS if bucket.startswith(start)), None)
