"""Days summed up, so that a month of a large tree reads rows by the day."""

import django.db.models.deletion
from django.db import migrations, models

from kit.tenancy.migrations import protect, read_only

TABLES = ("agents_earningsum", "agents_spendingsum", "agents_sumprogress")


def primary_key(*names: str) -> models.CompositePrimaryKey:
    return models.CompositePrimaryKey(*names, blank=True, editable=False, primary_key=True, serialize=False)


def owner() -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to="accounts.organisation",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0003_rules_have_a_span_and_a_payer"),
    ]

    operations = [
        migrations.CreateModel(
            name="EarningSum",
            fields=[
                ("pk", primary_key("organisation", "is_total", "begins_at", "customer_id", "currency")),
                ("is_total", models.BooleanField()),
                ("begins_at", models.DateTimeField()),
                ("customer_id", models.UUIDField()),
                ("currency", models.CharField(max_length=3)),
                ("segments", models.BigIntegerField(help_text="delivered ones that were paid with a margin")),
                (
                    "margin",
                    models.BigIntegerField(
                        help_text="its part of delivered messages; of the operator, its revenue by them"
                    ),
                ),
                ("on_traffic", models.BigIntegerField(help_text="commission on delivered messages")),
                ("on_packages", models.BigIntegerField(help_text="commission on packages")),
                ("taken_back", models.BigIntegerField(help_text="commission on what was returned, zero or below")),
                ("organisation", owner()),
            ],
        ),
        migrations.CreateModel(
            name="SpendingSum",
            fields=[
                ("pk", primary_key("organisation", "begins_at")),
                ("begins_at", models.DateTimeField()),
                ("messages", models.BigIntegerField()),
                ("segments", models.BigIntegerField()),
                ("amount", models.BigIntegerField()),
                ("organisation", owner()),
            ],
        ),
        migrations.CreateModel(
            name="SumProgress",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("summed_before", models.DateTimeField()),
            ],
        ),
        protect("agents_earningsum"),
        protect("agents_spendingsum"),
        *map(read_only, TABLES),
    ]
