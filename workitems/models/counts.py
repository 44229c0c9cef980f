"""The summary table and its deltas. Only triggers write to them, and `counts.repair_counts`."""

from django.db import models

from ..vocabulary import MOVING

WORD = 32  # the maximum length of a word of the vocabulary


class Cell(models.Model):
    # Not a foreign key, because that would look up the institution on every change.
    institution_id = models.BigIntegerField()
    action = models.CharField(max_length=WORD)
    stage = models.CharField(max_length=WORD)
    status = models.CharField(max_length=WORD)
    reviewed = models.BooleanField()
    retry = models.BooleanField()
    number = models.BigIntegerField()

    class Meta:
        abstract = True


CELL_COLUMNS = tuple(field.name for field in Cell._meta.local_fields if field.name != "number")
KIND_COLUMNS = CELL_COLUMNS[1:]  # without the institution
# Written out for SQL: SQLite uses the partial index `item_moving_since` only for this exact text.
MOVING_SQL = f"({', '.join(repr(status.value) for status in MOVING)})"


class ItemCount(Cell):
    """The number of settled items in a cell, as of the last fold."""

    class Meta:
        verbose_name = "count of items"
        verbose_name_plural = "counts of items"
        constraints = [models.UniqueConstraint(fields=CELL_COLUMNS, name="one_count_per_cell")]

    def __str__(self) -> str:
        return f"{self.number} {self.status} {self.action} of {self.institution_id}"


class CountDelta(Cell):
    """One item more or less in a cell. PostgreSQL only: the triggers append deltas, and folding removes them."""

    class Meta:
        db_table = "workitems_countchange"
        verbose_name = "count delta"
        verbose_name_plural = "count deltas"

    def __str__(self) -> str:
        return f"{self.number:+} {self.status} {self.action} of {self.institution_id}"
