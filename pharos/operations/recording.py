"""Commands that record when they last ran, so that operators see when a timer has stopped."""

from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError
from django.utils import timezone

from pharos.outages import FULL, READ_ONLY, find_outage

from .models import CommandRun


class RecordedCommand(BaseCommand):
    """A command whose last run is in the table CommandRun: when it began and ended, and why it failed."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        name = type(self).__module__.rpartition(".")[2]
        try:
            _store(name, began_at=timezone.now(), ended_at=None, error="")
        except DatabaseError as error:
            if find_outage(error) not in (READ_ONLY, FULL):  # what only reads can still run
                raise
        try:
            output = super().execute(*args, **options)
        except BaseException as error:
            with suppress(DatabaseError):  # it must not hide why the command failed
                _store(name, ended_at=timezone.now(), error=str(error) or type(error).__name__)
            raise
        with suppress(DatabaseError):
            _store(name, ended_at=timezone.now())
        return output


def _store(name: str, **values: Any) -> None:
    if not CommandRun.objects.filter(name=name).update(**values) and "began_at" in values:
        CommandRun.objects.update_or_create(values, name=name)
