from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webapp", "0005_regions_of_measurements")]

    operations = [
        migrations.AddField(
            model_name="prediction",
            name="losses_count",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
