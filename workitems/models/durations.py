"""What is kept of how long things take. Rows are only appended by those who change items; `keeping` sums them up.

A writer never waits for another one here: what one table row for each kind of change would be, everybody's row to wait for,
is any number of rows, of which those with `is_sum` hold what was there when somebody last summed up.
"""

from django.db import models
from django.db.models import Q

WORD = 32  # as long as the words of the vocabulary may be


class Appended(models.Model):
    """`number` things of one kind; `is_sum`: added up from others, and the only such row of its kind."""

    number = models.BigIntegerField(default=1)
    is_sum = models.BooleanField(default=False)

    class Meta:
        abstract = True


class StepTime(Appended):
    """How often items took a time (see `scale.step_of`) at a stage, by week; without a stage: as a whole."""

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


class OutcomeCount(Appended):
    """How many items came to an end in a quarter of an hour (see `steps.quarter_of`).

    Midnight falls on a quarter of an hour in every time zone, so these add up to the days of any reader. `institution_id`:
    `steps.EVERYBODY` for all of them together, so that those who see everything add up no more rows than others.
    """

    quarter = models.IntegerField()
    # A plain number: a foreign key would look its institution up on every change.
    institution_id = models.BigIntegerField()
    outcome = models.CharField(max_length=16)  # steps.Outcome

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
    """How long items of a kind usually take, in seconds: what the last weeks of StepTime say. None of kinds with too few.

    `low`, `median`, `high` and `late`: what a tenth, half, nine tenths and 95 of 100 did not exceed.
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
