"""The tables of durations and outcomes. Code that changes items only appends rows; `durations.recorder` folds them.

With a single row per combination of values, writers would wait for each other. Instead there are any number of rows, and
the one with `is_sum` holds the total as of the last fold.
"""

from django.db import models
from django.db.models import Q

WORD = 32  # the maximum length of a word of the vocabulary


class CountedRow(models.Model):
    """`number` events with the same values. `is_sum` marks their total as of the last fold, of which there is at most one."""

    number = models.BigIntegerField(default=1)
    is_sum = models.BooleanField(default=False)

    class Meta:
        abstract = True


class StepTime(CountedRow):
    """How many items took this long (`step`, see `scale.step_of`) at a stage, by week and size band.

    An empty stage stands for the total time from receipt to success.
    """

    week = models.DateField()
    action = models.CharField(max_length=WORD)
    stage = models.CharField(max_length=WORD)
    band = models.SmallIntegerField()
    step = models.SmallIntegerField()

    class Meta:
        verbose_name = "time at a stage"
        verbose_name_plural = "times at stages"
        constraints = [
            models.UniqueConstraint(
                fields=["week", "action", "stage", "band", "step"], condition=Q(is_sum=True), name="one_sum_of_times"
            )
        ]
        indexes = [
            models.Index(fields=["week"], name="time_week"),
            models.Index(fields=["id"], name="time_to_sum_up", condition=Q(is_sum=False)),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.action} {self.stage}"


class OutcomeCount(CountedRow):
    """How many items were closed in a quarter of an hour (see `measurements.quarter_of`).

    Midnight falls on a quarter of an hour in every time zone, so quarters add up to days anywhere. Each outcome also
    counts for `measurements.ALL_INSTITUTIONS`, so that readers who see everything don't add up more rows.
    """

    quarter = models.IntegerField()
    # Not a foreign key, because that would look up the institution on every change.
    institution_id = models.BigIntegerField()
    outcome = models.CharField(max_length=16)  # measurements.Outcome

    class Meta:
        verbose_name = "count of outcomes"
        verbose_name_plural = "counts of outcomes"
        constraints = [
            models.UniqueConstraint(
                fields=["quarter", "institution_id", "outcome"],
                condition=Q(is_sum=True),
                name="one_sum_of_outcomes",
            )
        ]
        indexes = [
            models.Index(fields=["institution_id", "quarter"], name="outcomes_of_institution"),
            models.Index(fields=["id"], name="outcomes_to_sum_up", condition=Q(is_sum=False)),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.outcome} in quarter {self.quarter}"


class Typical(models.Model):
    """The usual times for an action, stage, and size band, in seconds, from recent weeks of StepTime.

    Combinations with too few samples have no row.

    `low`, `median`, `high`, and `late` are the 10th, 50th, 90th, and 95th percentile.
    """

    action = models.CharField(max_length=WORD)
    stage = models.CharField(max_length=WORD)
    band = models.SmallIntegerField()
    number = models.BigIntegerField()
    low = models.FloatField()
    median = models.FloatField()
    high = models.FloatField()
    late = models.FloatField()
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = "usual time"
        verbose_name_plural = "usual times"
        constraints = [models.UniqueConstraint(fields=["action", "stage", "band"], name="one_usual_time")]

    def __str__(self) -> str:
        return f"{self.action} {self.stage}: {self.median:.0f} s"
