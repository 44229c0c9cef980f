"""An index of the parts of split bags. It is built while workers go on writing, and can be interrupted and run again."""

from django.db import migrations, models

import workitems.models
from workitems.database import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0025_undos")]

    operations = [
        AddIndexOnline(
            "workitem",
            models.Index(
                workitems.models.PartHead("name"),
                models.F("institution"),
                models.F("date"),
                name="item_part",
                condition=models.Q(workitems.models.IsPartIndexed("name")),
            ),
        )
    ]
