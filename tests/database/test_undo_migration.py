"""Migration 0025 on bulk changes of the previous version: which undoes which, and its operations when they are repeated."""

import importlib
from uuid import uuid5

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from workitems.models import BulkChange

pytestmark = pytest.mark.django_db
MIGRATION = importlib.import_module("workitems.migrations.0025_undos")


def change(by, **values):
    return BulkChange.objects.create(**{"by": by, "move": "review", "selection": {"ids": [1]}, "total": 1, **values})


def test_undos_are_linked_to_what_they_undo(ada):
    undone, kept = change(ada), change(ada)
    undo = change(ada, pk=uuid5(undone.pk, "undo"), move="unreview", selection={"undo": str(undone.pk)})
    blocking = change(ada, pk=uuid5(kept.pk, "undo"))  # it has the id that an undo would have had, and undoes nothing
    for _ in range(2):  # as after an interruption
        MIGRATION.link_undos(apps, connection.schema_editor())
    linked = dict(BulkChange.objects.values_list("pk", "undoes"))
    assert linked == {undone.pk: None, kept.pk: None, undo.pk: undone.pk, blocking.pk: None}


def run_operations(*operations):
    state = MigrationLoader(connection).project_state(("workitems", "0025_undos"))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # tables can't be altered in a transaction with checks to come
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for operation in operations:
        operation.database_forwards("workitems", connection.schema_editor(), state, state)


def test_its_operations_can_be_repeated(ada):
    undone = change(ada)
    change(ada, undoes=undone)
    run_operations(*MIGRATION.Migration.operations)
    with pytest.raises(IntegrityError), transaction.atomic():
        change(ada, undoes=undone)


def test_the_index_is_built_when_it_is_missing(ada):
    undone = change(ada)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP INDEX undone_once")
    run_operations(*MIGRATION.Migration.operations)
    change(ada, undoes=undone)
    with pytest.raises(IntegrityError), transaction.atomic():
        change(ada, undoes=undone)
