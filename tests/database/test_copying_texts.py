"""Copying existing texts into the search table: a batch costs the same however many have been copied."""

import pytest
from django.db import connection

from workitems.migrations.frozen import search

from ..many_items import make_items

ITEMS, BATCH_SIZE = 4_000, 200


class Blocks(list):
    """The number of blocks that each batch read."""

    def __call__(self, execute, sql, params, many, context):
        if sql.startswith("WITH piece"):
            look = sql.partition(", copied AS")[0].removeprefix("WITH piece AS (").removesuffix(")")
            plain = connection.cursor().cursor
            plain.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {look}", params)
            [[[told]]] = plain.fetchall()
            self.append(told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"])
            plain.close()
        return execute(sql, params, many, context)


@pytest.mark.django_db(transaction=True)
def test_late_batches_read_no_more_than_early_ones(virginia, on_postgresql, monkeypatch):
    make_items(ITEMS, [virginia])
    monkeypatch.setattr(search, "PIECE", BATCH_SIZE)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {search.TABLE}")
        # The plan for a table of millions.
        cursor.execute("SET enable_nestloop = off; SET enable_hashjoin = off; SET enable_seqscan = off; ANALYZE")
    blocks = Blocks()
    try:
        with connection.execute_wrapper(blocks):
            search.copy_all(connection)
    finally:
        connection.close()
    assert len(blocks) > ITEMS // BATCH_SIZE
    assert max(blocks[2:]) <= 1.05 * blocks[1], blocks
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {search.TABLE}")
        assert cursor.fetchone() == (ITEMS,)
