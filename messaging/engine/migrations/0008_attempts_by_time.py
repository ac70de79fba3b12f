"""The index of attempts by time is kept up with what comes, and not only when the table is vacuumed."""

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # changing the option locks the index for a moment; summarising may take a while

    dependencies = [
        ("engine", "0007_sweeps_by_number"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    [
                        "ALTER INDEX attempt_by_time SET (autosummarize = on)",
                        "SELECT brin_summarize_new_values('attempt_by_time')",
                    ],
                    "ALTER INDEX attempt_by_time RESET (autosummarize)",
                ),
            ],
            state_operations=[
                migrations.RemoveIndex("attempt", "attempt_by_time"),
                migrations.AddIndex(
                    "attempt",
                    django.contrib.postgres.indexes.BrinIndex(
                        fields=["started_at"], name="attempt_by_time", pages_per_range=32, autosummarize=True
                    ),
                ),
            ],
        ),
    ]
