"""The names of parts of split bags (`name.b01.of05.tar`) in SQL, for queries and for the index `item_part`.

The migration of the index uses this, so a change of `head` or `is_indexed` needs another index.
"""

from dataclasses import dataclass

from django.db.models import BooleanField, CharField, Func
from django.utils.deconstruct import deconstructible

HEAD_LENGTH = 200  # a name can be longer than an entry of an index
_DIGITS = "'0123456789'"


@dataclass(frozen=True)
class PartNameSql:
    """Expressions on a column with a name, for one database. None contains `%` or takes parameters.

    A name is read from its end: without `.tar`, the digits of the total, `.of`, the digits of the number, and `.b`. What is
    left, with `.b`, is the stem, which all parts of a bag share.
    """

    column: str
    is_postgresql: bool

    def _without_last(self, text: str, number: int) -> str:
        return f"LEFT({text}, -{number})" if self.is_postgresql else f"SUBSTR({text}, 1, LENGTH({text}) - {number})"

    def _last(self, text: str, number: int) -> str:
        return f"RIGHT({text}, {number})" if self.is_postgresql else f"SUBSTR({text}, -{number})"

    @property
    def is_indexed(self) -> str:
        find = "STRPOS" if self.is_postgresql else "INSTR"
        return f"{find}({self.column}, '.of') > 0"

    @property
    def _bare(self) -> str:
        return self._without_last(self.column, len(".tar"))

    @property
    def _before_total(self) -> str:
        return f"RTRIM({self._bare}, {_DIGITS})"

    @property
    def _before_of(self) -> str:
        return self._without_last(self._before_total, len(".of"))

    @property
    def stem(self) -> str:
        return f"RTRIM({self._before_of}, {_DIGITS})"

    @property
    def head(self) -> str:
        """The start of the stem, which the index has: a name can be longer than an entry of an index."""
        return f"LEFT({self.stem}, {HEAD_LENGTH})" if self.is_postgresql else f"SUBSTR({self.stem}, 1, {HEAD_LENGTH})"

    @property
    def total(self) -> str:
        """The digits of the total without zeros at the start."""
        return f"LTRIM(SUBSTR({self._bare}, LENGTH({self._before_total}) + 1), '0')"

    @property
    def number(self) -> str:
        return f"LTRIM(SUBSTR({self._before_of}, LENGTH({self.stem}) + 1), '0')"

    @property
    def is_part(self) -> str:
        return (
            f"({self._last(self.column, 4)} = '.tar' AND {self._last(self._before_total, 3)} = '.of'"
            f" AND {self._last(self.stem, 2)} = '.b' AND LENGTH({self.stem}) > 2"
            f" AND LENGTH({self._bare}) > LENGTH({self._before_total})"
            f" AND LENGTH({self._before_of}) > LENGTH({self.stem}))"
        )

    @property
    def is_possible(self) -> str:
        """From 1 to the total. Numbers of any length are compared, so as text."""
        number, total = self.number, self.total
        same_length = f"LENGTH({number}) = LENGTH({total}) AND {number} <= {total}"
        return f"({number} <> '' AND (LENGTH({number}) < LENGTH({total}) OR ({same_length})))"


def read_part_name(column: str, vendor: str) -> PartNameSql:
    """Returns the expressions on a column with a name."""
    return PartNameSql(column, vendor == "postgresql")


@deconstructible(path="workitems.database.PartHead")
class PartHead(Func):
    """The expression of the index `item_part`. Written out, because SQLite doesn't match a parameter with its index."""

    output_field = CharField()

    def as_sql(self, compiler, connection, **extra):
        sql, params = compiler.compile(self.source_expressions[0])
        return read_part_name(sql, connection.vendor).head, params


@deconstructible(path="workitems.database.IsPartIndexed")
class IsPartIndexed(Func):
    """The condition of the index `item_part`."""

    output_field = BooleanField()

    def as_sql(self, compiler, connection, **extra):
        sql, params = compiler.compile(self.source_expressions[0])
        return read_part_name(sql, connection.vendor).is_indexed, params
