"""Claims: one row for what a worker has in hand, instead of a mark on each row of the queue; attempts are written once,
with what came of them and the carrier's reference."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import kit.ids

# Whatever was being handed over when the workers stopped is unknown, as after any lease that ran out.
WHAT_WAS_IN_HAND = """
UPDATE engine_message m SET status = 45 FROM engine_queueentry q
WHERE q.attempt_id IS NOT NULL AND m.id = q.message_id AND m.status = 30;
DELETE FROM engine_queueentry WHERE attempt_id IS NOT NULL;
UPDATE engine_attempt SET outcome = 4, code = 'lease expired', ended_at = now() WHERE ended_at IS NULL;
"""

ATTEMPTS_WRITTEN_ONCE = """
DELETE FROM engine_carrierreference c USING engine_attempt a
WHERE a.channel_id = c.channel_id AND a.carrier_reference = c.reference AND a.message_id = c.message_id;
ALTER TABLE engine_attempt DROP CONSTRAINT one_attempt_a_number;
ALTER TABLE engine_attempt DROP COLUMN id;
ALTER TABLE engine_attempt ADD PRIMARY KEY (message_id, number);
ALTER TABLE engine_attempt ADD COLUMN parts smallint NOT NULL DEFAULT 1 CHECK (parts >= 0);
ALTER TABLE engine_attempt ALTER COLUMN ended_at SET NOT NULL;
ALTER TABLE engine_attempt RESET (fillfactor);
CREATE INDEX attempt_by_reference ON engine_attempt (channel_id, carrier_reference) WHERE carrier_reference <> '';
CREATE INDEX attempt_by_time ON engine_attempt USING brin (started_at) WITH (pages_per_range = 32);
"""

QUEUE_WITHOUT_LEASES = """
DROP INDEX queue_ripe;
DROP INDEX queue_leased;
ALTER TABLE engine_queueentry DROP COLUMN attempt_id, DROP COLUMN lease_until;
ALTER TABLE engine_queueentry SET (fillfactor = 90);
CREATE INDEX queue_ripe ON engine_queueentry (channel_id, lane, organisation_id, due_at);
"""

CLAIMS_OF_THE_MACHINE_ROOM = """
REVOKE ALL ON engine_claim FROM signalbox_web;
ALTER TABLE engine_claim SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
"""

ATTEMPT = [
    ("pk", models.CompositePrimaryKey("message_id", "number", blank=True, editable=False, primary_key=True, serialize=False)),
    ("message_id", models.UUIDField()),
    ("number", models.PositiveSmallIntegerField()),
    ("channel_id", models.UUIDField()),
    ("reference", models.PositiveIntegerField(help_text="our 16-bit user_message_reference")),
    ("outcome", models.PositiveSmallIntegerField(help_text="messaging.engine.states.AttemptOutcome")),
    ("parts", models.PositiveSmallIntegerField(default=1, help_text="submits it took, each with receipts of its own")),
    ("code", models.CharField(blank=True, max_length=120)),
    (
        "carrier_reference",
        models.CharField(
            blank=True, help_text="the id the carrier gave its first part: what receipts will name", max_length=65
        ),
    ),
    ("started_at", models.DateTimeField()),
    ("ended_at", models.DateTimeField()),
    (
        "organisation",
        models.ForeignKey(
            db_constraint=False,
            db_index=False,
            on_delete=django.db.models.deletion.DO_NOTHING,
            related_name="+",
            to="accounts.organisation",
        ),
    ),
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_walls"),
        ("engine", "0003_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name="Claim",
            fields=[
                ("id", models.UUIDField(default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("channel_id", models.UUIDField()),
                ("worker", models.CharField(max_length=120)),
                ("lease_until", models.DateTimeField()),
                ("message_ids", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                (
                    "numbers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        help_text="which try of the message each is",
                        size=None,
                    ),
                ),
                (
                    "user_references",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(),
                        help_text="our 16-bit user_message_reference of each",
                        size=None,
                    ),
                ),
            ],
        ),
        migrations.RunSQL(CLAIMS_OF_THE_MACHINE_ROOM, migrations.RunSQL.noop),
        migrations.RunSQL(WHAT_WAS_IN_HAND, migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(ATTEMPTS_WRITTEN_ONCE)],
            state_operations=[
                migrations.DeleteModel(name="Attempt"),
                migrations.CreateModel(
                    name="Attempt",
                    fields=ATTEMPT,
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("carrier_reference", ""), _negated=True),
                                fields=["channel_id", "carrier_reference"],
                                name="attempt_by_reference",
                            ),
                            django.contrib.postgres.indexes.BrinIndex(
                                fields=["started_at"], name="attempt_by_time", pages_per_range=32
                            ),
                        ],
                    },
                ),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(QUEUE_WITHOUT_LEASES)],
            state_operations=[
                migrations.RemoveIndex(model_name="queueentry", name="queue_ripe"),
                migrations.RemoveIndex(model_name="queueentry", name="queue_leased"),
                migrations.RemoveField(model_name="queueentry", name="attempt_id"),
                migrations.RemoveField(model_name="queueentry", name="lease_until"),
                migrations.AddIndex(
                    model_name="queueentry",
                    index=models.Index(fields=["channel_id", "lane", "organisation", "due_at"], name="queue_ripe"),
                ),
            ],
        ),
    ]
