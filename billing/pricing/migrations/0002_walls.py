"""The second wall: row-level security, and history that only grows."""

from django.db import migrations

from kit.tenancy.migrations import append_only, protect


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0001_initial"),
        ("accounts", "0002_walls"),
    ]

    operations = [
        protect("pricing_pricebook", read_above=True),
        protect("pricing_price", read_above=True),
        protect("pricing_priceassignment", read_above=True),
        protect("pricing_quote"),
        append_only("pricing_quote"),
    ]
