"""Receipts are looked through in the order of their numbers."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0006_sweeps_know_how_far"),
    ]

    operations = [
        migrations.AddField(model_name="sweepprogress", name="last_id", field=models.BigIntegerField(null=True)),
    ]
