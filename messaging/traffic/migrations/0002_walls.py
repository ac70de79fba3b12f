"""The second wall: row-level security, and history that only grows."""

from django.db import migrations

from kit.tenancy.migrations import protect


class Migration(migrations.Migration):
    dependencies = [
        ("traffic", "0001_initial"),
        ("accounts", "0002_walls"),
    ]

    operations = [
        protect("traffic_trafficcount"),
    ]
