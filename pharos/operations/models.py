"""The table of the last run of each command, so that operators see when a timer has stopped."""

from django.db import models


class CommandRun(models.Model):
    """The last run of a command. `ended_at` is None while it runs, and after it was killed. `error`: why it failed."""

    name = models.CharField(max_length=100, primary_key=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name
