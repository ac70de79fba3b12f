"""The second wall: row-level security, and history that only grows."""

from django.db import migrations

from kit.tenancy.migrations import append_only, protect


class Migration(migrations.Migration):
    dependencies = [
        ("packages", "0001_initial"),
        ("accounts", "0002_walls"),
    ]

    operations = [
        protect("packages_package", also_read="is_listed"),
        protect("packages_purchase"),
        protect("packages_allowance"),
        protect("packages_allowanceuse"),
        append_only("packages_allowanceuse"),
    ]
