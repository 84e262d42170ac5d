"""A run remembers how often workers ended while they loaded its model."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webapp", "0013_labels_of_trainings")]

    operations = [
        migrations.AddField(
            model_name="run",
            name=name,
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        )
        for name in ("load_deaths_count", "load_losses_count")
    ]
