"""Hours and days summed up, so that a page over months and many organisations reads rows by the day."""

import django.db.models.deletion
from django.db import migrations, models

from kit.tenancy.migrations import protect, read_only

TABLES = ("traffic_trafficsum", "traffic_sumprogress")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0003_who_the_operator_is"),
    ]

    operations = [
        migrations.CreateModel(
            name="SumProgress",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("summed_before", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="TrafficSum",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organisation",
                        "unit",
                        "begins_at",
                        "channel_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("unit", models.CharField(choices=[("hour", "Hour"), ("day", "Day")], max_length=4)),
                ("begins_at", models.DateTimeField()),
                ("channel_id", models.UUIDField()),
                ("accepted", models.BigIntegerField()),
                ("delivered", models.BigIntegerField()),
                ("failed", models.BigIntegerField()),
                ("spent", models.BigIntegerField(help_text="micros that the delivered ones cost")),
                (
                    "latency_ms",
                    models.BigIntegerField(help_text="time from acceptance to delivery of the delivered ones, in all"),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.organisation",
                    ),
                ),
            ],
        ),
        protect("traffic_trafficsum"),
        *map(read_only, TABLES),
    ]
