"""The tables of the summary. The triggers write them; nobody else does (see `keeping` for mending them)."""

from django.db import models

from ..vocabulary import MOVING

WORD = 32  # as long as the words of the vocabulary may be


class Cell(models.Model):
    # A plain number: a foreign key would look its institution up on every change.
    institution_id = models.BigIntegerField()
    action = models.CharField(max_length=WORD)
    stage = models.CharField(max_length=WORD)
    status = models.CharField(max_length=WORD)
    reviewed = models.BooleanField()
    retry = models.BooleanField()
    number = models.BigIntegerField()

    class Meta:
        abstract = True


COLUMNS = tuple(field.name for field in Cell._meta.local_fields if field.name != "number")
KIND = COLUMNS[1:]  # what an item is, whoever owns it
# As SQL writes them, word for word: SQLite takes the partial index `item_moving_since` only then.
MOVING_SQL = f"({', '.join(repr(status.value) for status in MOVING)})"


class ItemCount(Cell):
    """How many items of a cell there are, but for the changes that are not folded in yet."""

    class Meta:
        verbose_name = "count of items"
        verbose_name_plural = "counts of items"
        constraints = [models.UniqueConstraint(fields=COLUMNS, name="one_count_per_cell")]

    def __str__(self) -> str:
        return f"{self.number} {self.status} {self.action} of {self.institution_id}"


class CountChange(Cell):
    """One item more or less in a cell. PostgreSQL only; appended by every writer, taken out by whoever folds."""

    class Meta:
        verbose_name = "change of a count"
        verbose_name_plural = "changes of counts"

    def __str__(self) -> str:
        return f"{self.number:+} {self.status} {self.action} of {self.institution_id}"
