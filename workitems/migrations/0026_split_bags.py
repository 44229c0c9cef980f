"""An index of the parts of split bags. It is built while workers go on writing, and can be interrupted and run again."""

from django.db import migrations, models

from workitems.database import AddIndexOnline, IsPartIndexed, PartHead


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0025_undos")]

    operations = [
        AddIndexOnline(
            "workitem",
            models.Index(
                PartHead("name"),
                models.F("institution"),
                models.F("date"),
                name="item_part",
                condition=models.Q(IsPartIndexed("name")),
            ),
        )
    ]
