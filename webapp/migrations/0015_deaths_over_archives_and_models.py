"""How far a ZIP is unpacked, and how often workers began with a model that comes or leaves."""

from django.db import migrations, models

from webapp.migrations._together import Together


class Migration(migrations.Migration):
    dependencies = [("webapp", "0014_loads_of_runs")]

    operations = [
        Together(
            [
                migrations.AddField("archive", "next_entry", models.PositiveIntegerField(db_default=0, default=0)),
                migrations.AddField(
                    "modelexport", "attempts_count", models.PositiveSmallIntegerField(db_default=0, default=0)
                ),
                migrations.AddField(
                    "modelimport", "attempts_count", models.PositiveSmallIntegerField(db_default=0, default=0)
                ),
            ]
        ),
    ]
