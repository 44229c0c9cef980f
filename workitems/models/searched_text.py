"""The table of searched texts on PostgreSQL. Triggers fill it (see `search.index`)."""

from django.db import models


class SearchedText(models.Model):
    # No constraint: the triggers keep the rows consistent, and a constraint would look up the item on every insert.
    item = models.OneToOneField(
        "workitems.WorkItem", models.DO_NOTHING, primary_key=True, related_name="+", db_constraint=False
    )
    text = models.TextField()

    class Meta:
        verbose_name = "searched text"
        verbose_name_plural = "searched texts"

    def __str__(self) -> str:
        return self.text
