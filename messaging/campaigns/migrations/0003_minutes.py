"""What happened minute by minute is noted while it happens."""

import django.db.models.deletion
from django.db import migrations, models

from kit.tenancy.migrations import protect


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_walls"),
        ("campaigns", "0002_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name="CampaignMinute",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("handed_over", models.PositiveIntegerField()),
                ("delivered", models.PositiveIntegerField()),
                (
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="minutes",
                        to="campaigns.campaign",
                    ),
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
            options={
                "constraints": [models.UniqueConstraint(fields=("campaign", "at"), name="one_count_a_minute")],
            },
        ),
        protect("campaigns_campaignminute"),
    ]
