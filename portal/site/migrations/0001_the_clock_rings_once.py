"""What the clock has rung for, so that two beats ring once."""

from django.db import migrations, models

from kit.tenancy.migrations import engine_only


class Migration(migrations.Migration):
    initial = True
    dependencies = [("accounts", "0002_walls")]

    operations = [
        migrations.CreateModel(
            name="Occurrence",
            fields=[
                ("entry", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("last_at", models.DateTimeField()),
            ],
        ),
        engine_only("site_occurrence"),
    ]
