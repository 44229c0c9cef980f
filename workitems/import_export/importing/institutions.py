"""Finds the institution of an item: by the domain in its row, by a number and a table of institutions, or by its names."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from pharos.accounts.models import Institution, is_domain

from ...database import advance_sequence
from . import formats
from .parsing import LARGEST_ID, InvalidRow, parse_field, parse_integer, parse_text
from .raw_rows import RawRow, TruncatedFile, UnreadableFile
from .repairs import MISSING_WORDS, repair_number
from .sources import Source

TABLE_NAMES = ("institutions.csv", "INSTITUTIONS.csv", "institutions.json", "institutions.jsonl")
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
        """Reads institutions (id, identifier, name) from a table in CSV or JSON. Raises UnreadableFile."""
        rows = 0
        try:
            with closing(Source(str(path))) as source:
                for raw in formats.read_table(source):
                    self._read_row(raw, path)
                    rows += 1
        except (OSError, TruncatedFile) as error:
            raise UnreadableFile(f"The table of institutions {path} can't be read: {error}") from error
        except InvalidRow as bad:
            raise UnreadableFile(f"The table of institutions {path} can't be used: {bad}.") from bad
        if not rows:
            raise UnreadableFile(f"{path} has no rows, so it is not a table of institutions.")
        self.table = path

    def _read_row(self, raw: RawRow, path: Path) -> None:
        if raw.problem:
            raise InvalidRow(f"in row {raw.number}, {raw.problem}")
        row = raw.value.get("institution", raw.value) if isinstance(raw.value, Mapping) else {}
        if not {"id", "identifier"} <= row.keys():
            raise UnreadableFile(f"{path} has no columns id and identifier, so it is not a table of institutions.")
        self.read_line(row)

    def read_line(self, row: Mapping[str, Any]) -> None:
        """Takes in the number, domain and name of one institution. Raises InvalidRow."""
        number = parse_field("id", parse_integer, repair_number(row.get("id"))[0])
        domain = parse_field("identifier", parse_text, row.get("identifier")).strip().lower()
        if number is None or not domain:
            return
        if self._numbers.setdefault(number, domain) != domain:
            raise InvalidRow(f"institution {number} is {self._numbers[number]} and {domain}")
        self.add_name(domain, parse_field("name", parse_text, row.get("name")))

    def add_name(self, domain: str, name: str) -> None:
        if name.strip() and name.strip().lower() not in MISSING_WORDS:
            self.names.setdefault(domain, name.strip()[:255])

    def find_domain(self, row: Mapping[str, Any]) -> tuple[str, bool]:
        """Returns the domain of the institution that owns a row's item, and whether it was only guessed. Raises InvalidRow."""
        said, number = _stated_owner(row)
        domain, is_guessed = said, False
        if not said and number is not None:
            domain = self._domain_of_number(number)
        elif not said:
            domain, is_guessed = self._domain_in_names(row), True
        self._check(domain)
        if number is not None and self._numbers.setdefault(number, domain) != domain:
            raise InvalidRow(f"institution_id {number} is {self._numbers[number]} elsewhere, but {domain} here")
        if row.get("institution_name"):
            self.add_name(domain, parse_field("institution_name", parse_text, row["institution_name"]))
        return domain, is_guessed

    def _domain_of_number(self, number: int) -> str:
        if number in self._numbers:
            return self._numbers[number]
        if self.table:
            raise InvalidRow(f"institution_id {number} is not in {self.table.name}; add it there with its identifier")
        raise InvalidRow(
            f"the row names its institution only by the number {number}; use --institution-map with the table of "
            "institutions (id, identifier, name)"
        )

    def _domain_in_names(self, row: Mapping[str, Any]) -> str:
        """Returns the owner in the object's identifier, or in the bucket's name if such an institution is known: a bucket for
        tests has a longer name.
        """
        owner, slash, _rest = str(row.get("object_identifier") or "").partition("/")
        if slash and is_domain.regex.search(owner.lower()):  # type: ignore[union-attr]
            return owner.lower()
        bucket = str(row.get("bucket") or "")
        domain = next((bucket.removeprefix(start).lower() for start in _BUCKETS if bucket.startswith(start)), "")
        if domain in self.ids or domain in self._good or domain in self._numbers.values():
            return domain
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

    @staticmethod
    def is_number_only(row: Any) -> bool:
        """Returns whether the row names its institution by a number and nothing else."""
        if not isinstance(row, Mapping):
            return False
        try:
            said, number = _stated_owner(row)
        except InvalidRow:
            return False
        return not said and number is not None

    def missing(self, domains: set[str]) -> list[str]:
        return sorted(domains - self.ids.keys())

    def create(self, domain: str) -> int:
        """Stores an institution, with the number that it has in the file if no other has that here."""
        wanted = next((number for number, named in self._numbers.items() if named == domain), 0)
        is_free = 0 < wanted <= LARGEST_ID and not Institution.objects.filter(pk=wanted).exists()
        defaults = {"name": self.names.get(domain, domain)} | ({"pk": wanted} if is_free else {})
        institution, is_new = Institution.objects.get_or_create(identifier=domain, defaults=defaults)
        if is_new and is_free:
            advance_sequence(Institution, wanted)
        return institution.pk


def _stated_owner(row: Mapping[str, Any]) -> tuple[str, int | None]:
    """Returns the domain and the number in a row; the field `institution` can be either."""
    word = row.get("institution") or row.get("institution_identifier") or ""
    number = repair_number(row.get("institution_id"))[0]
    if type(word) is int or (type(word) is str and word.isdecimal()):
        word, number = row.get("institution_identifier") or "", word
    domain = parse_field("institution", parse_text, word).strip().lower()
    return domain, parse_field("institution_id", parse_integer, number)
