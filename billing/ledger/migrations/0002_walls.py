"""The second wall: row-level security, and history that only grows."""

from django.db import migrations

from kit.tenancy.migrations import append_only, own_or_below, protect


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0001_initial"),
        ("accounts", "0002_walls"),
    ]

    operations = [
        protect("ledger_account"),
        protect("ledger_transfer", also_read=own_or_below("target_organisation_id")),
        append_only("ledger_transfer"),
    ]
