"""The second wall: row-level security, and history that only grows."""

from django.db import migrations

from kit.tenancy.migrations import append_only, engine_only, protect


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0002_messages_by_day"),
    ]

    operations = [
        protect("engine_message"),
        protect("engine_queueentry"),
        protect("engine_attempt"),
        protect("engine_idempotencyrecord"),
        protect("engine_settlement"),
        protect("engine_deliveryreceipt"),
        protect("engine_inboundmessage"),
        protect("engine_carrierreference"),
        engine_only("engine_carrierreference"),
        protect("engine_trafficcount"),
        append_only("engine_settlement"),
    ]
