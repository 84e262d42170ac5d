"""A training remembers which labels it learns, so that renaming one changes nothing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webapp", "0012_images_of_a_source")]

    operations = [
        migrations.AddField("trainingrun", "label_ids", models.JSONField(blank=True, db_default=[], default=list)),
    ]
