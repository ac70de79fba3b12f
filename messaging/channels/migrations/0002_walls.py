"""The second wall: row-level security, and history that only grows."""

from django.db import migrations

from kit.tenancy.migrations import protect


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0001_initial"),
        ("accounts", "0002_walls"),
    ]

    operations = [
        protect("channels_channel"),
        protect("channels_route", also_read="true"),
        protect("channels_bind"),
    ]
