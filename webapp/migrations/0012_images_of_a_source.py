"""A source's images are found by an index alone; a project's by the one of their times."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webapp", "0011_reviews_once_or_again")]

    operations = [
        migrations.AddIndex(
            "image", models.Index(fields=["source", "id"], include=("project",), name="image_source")
        ),
        migrations.AlterField(
            "image",
            "source",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="images",
                to="webapp.source",
            ),
        ),
        migrations.AlterField(
            "image",
            "project",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="images",
                to="webapp.project",
            ),
        ),
    ]
