"""Commands that record when they last ran, so that operators see when a timer has stopped."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError
from django.utils import timezone

from .models import CommandRun


class RecordedCommand(BaseCommand):
    """A command whose last run is in the table CommandRun: when it began and ended, and why it failed."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        name = type(self).__module__.rpartition(".")[2]
        _store(name, began_at=timezone.now(), ended_at=None, error="")
        try:
            output = super().execute(*args, **options)
        except BaseException as error:
            _store(name, ended_at=timezone.now(), error=str(error) or type(error).__name__)
            raise
        _store(name, ended_at=timezone.now())
        return output


def _store(name: str, **values: Any) -> None:
    try:
        if not CommandRun.objects.filter(name=name).update(**values) and "began_at" in values:
            CommandRun.objects.update_or_create(values, name=name)
    except DatabaseError:
        pass  # the command itself says what is wrong with the database
