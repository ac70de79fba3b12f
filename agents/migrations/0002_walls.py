"""The second wall: row-level security, and history that only grows."""

from django.db import migrations

from kit.tenancy.migrations import append_only, protect


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0001_initial"),
        ("accounts", "0002_walls"),
    ]

    operations = [
        protect("agents_commissionrule"),
        protect("agents_commissionentry"),
        append_only("agents_commissionentry"),
    ]
