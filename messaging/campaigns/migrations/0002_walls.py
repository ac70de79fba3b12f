"""The second wall: row-level security, and history that only grows."""

from django.db import migrations

from kit.tenancy.migrations import protect


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0001_initial"),
        ("accounts", "0002_walls"),
    ]

    operations = [
        protect("campaigns_recipientfile"),
        protect("campaigns_recipient"),
        protect("campaigns_unusablerow"),
        protect("campaigns_campaign"),
        protect("campaigns_skippedrow"),
    ]
