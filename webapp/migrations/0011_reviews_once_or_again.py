"""Reviews know their model version and whether somebody had judged the image before."""

import django.db.models.deletion
from django.db import migrations, models

_FILL = """
    UPDATE review SET
        model_version_id = (SELECT prediction.model_version_id FROM prediction WHERE prediction.id = review.prediction_id),
        is_repeat = EXISTS (SELECT FROM review AS earlier WHERE earlier.image_id = review.image_id AND earlier.id < review.id)
"""


class Migration(migrations.Migration):
    dependencies = [("webapp", "0010_exports_in_int8_and_georeference")]

    operations = [
        migrations.AddField("review", "is_repeat", models.BooleanField(default=False)),
        migrations.AddField(
            "review",
            "model_version",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="webapp.modelversion",
            ),
        ),
        migrations.RunSQL(
            sql=["SET CONSTRAINTS ALL IMMEDIATE", _FILL, "SET CONSTRAINTS ALL IMMEDIATE"],
            reverse_sql=migrations.RunSQL.noop,
        ),
        migrations.AddIndex(
            "review",
            models.Index(
                condition=models.Q(("is_repeat", False)),
                fields=["project", "at"],
                include=(
                    "image", "user", "is_blind", "is_withdrawn", "verdict", "model_verdict", "prediction", "model_version",
                ),
                name="review_first",
            ),
        ),
        migrations.AddIndex(
            "review",
            models.Index(
                condition=models.Q(("is_repeat", True)), fields=["project", "image"], name="review_repeated"
            ),
        ),
    ]
