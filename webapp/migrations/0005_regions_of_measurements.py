import django.db.models.deletion
from django.db import migrations, models

# Django declares no foreign key of two columns. A region holds its measurement, and that its prediction and label.
_HOLD = """
    ALTER TABLE region ADD CONSTRAINT region_is_measured FOREIGN KEY (prediction_id, label_id)
    REFERENCES measurement (prediction_id, label_id) DEFERRABLE INITIALLY DEFERRED
"""
_LET_GO = "ALTER TABLE region DROP CONSTRAINT region_is_measured"


class Migration(migrations.Migration):

    dependencies = [
        ('webapp', '0004_videos_and_zones'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='region',
            index=models.Index(fields=['prediction', 'label'], name='region_measurement'),
        ),
        migrations.RunSQL(_HOLD, _LET_GO),
        migrations.AlterField(
            model_name='region',
            name='label',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='regions', to='webapp.label'),
        ),
        migrations.AlterField(
            model_name='region',
            name='prediction',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='regions', to='webapp.prediction'),
        ),
    ]
