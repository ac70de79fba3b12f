"""A sweep looks at what has come of age since the one before; how far that was is kept beside what it looked at."""

from django.db import migrations, models

from kit.tenancy.migrations import engine_only


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0005_days_go"),
    ]

    operations = [
        migrations.CreateModel(
            name="SweepProgress",
            fields=[
                ("sweep", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("done_before", models.DateTimeField()),
            ],
        ),
        engine_only("engine_sweepprogress"),
    ]
