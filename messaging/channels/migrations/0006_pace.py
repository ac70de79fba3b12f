"""Each worker says how much it handed over of late: nobody counts a house's attempts for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0005_window"),
    ]

    operations = [
        migrations.AddField(
            model_name="bind",
            name="handed_over_in_a_minute",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="bind",
            name="handed_over_in_five_minutes",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
