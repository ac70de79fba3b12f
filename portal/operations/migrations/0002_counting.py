"""Lets the function of the migration before count."""

from django.db import migrations

COUNTED = (
    "channels_bind",
    "channels_channel",
    "engine_attempt",
    "engine_deliveryreceipt",
    "engine_queueentry",
    "engine_trafficcount",
    "hooks_webhookdelivery",
)


def counting(table: str) -> migrations.RunSQL:
    stop = f"DROP POLICY IF EXISTS figures_read ON {table}"
    start = (
        f"CREATE POLICY figures_read ON {table} FOR SELECT TO CURRENT_USER"
        " USING ((SELECT current_setting('app.figures', true)) = 'on')"
    )
    return migrations.RunSQL([stop, start], stop)


class Migration(migrations.Migration):
    # Each policy locks its table for a moment.  All of them in one transaction would hold one while waiting for another,
    # which ends in a deadlock with whoever writes to two of them.
    atomic = False

    dependencies = [
        ("operations", "0001_figures"),
    ]

    operations = [counting(table) for table in COUNTED]
