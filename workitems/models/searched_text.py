"""The table of the texts that a search looks through on PostgreSQL; triggers fill it (`search.index`)."""

from django.db import models


class SearchedText(models.Model):
    # No constraint: the triggers see to it, and would else be asked to look the item up again on every insert.
    item = models.OneToOneField(
        "workitems.WorkItem", models.DO_NOTHING, primary_key=True, related_name="+", db_constraint=False
    )
    text = models.TextField()

    class Meta:
        verbose_name = "searched text"
        verbose_name_plural = "searched texts"

    def __str__(self) -> str:
        return self.text
