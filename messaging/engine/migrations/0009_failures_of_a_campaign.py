"""An index that leads to a campaign's messages that have an error code, in the order of their ids.

The code is written once, and only where a message did not arrive, so those that do still change in place (HOT).
"""

from django.db import migrations

INDEX = "message_by_campaign_and_code"
#: With the organisation, which policies ask for, ids are found without a look at the rows.
COLUMNS = "(campaign_id, error_code, id) INCLUDE (organisation_id) WHERE campaign_id IS NOT NULL AND error_code <> ''"
DAYS_WITHOUT = """
SELECT day.inhrelid::regclass::text, coalesce(i.indisvalid, false) FROM pg_inherits day
LEFT JOIN pg_index i ON i.indexrelid = to_regclass(day.inhrelid::regclass || '_by_campaign_and_code')
WHERE day.inhparent = 'engine_message'::regclass AND NOT EXISTS (
    SELECT FROM pg_inherits own JOIN pg_index i ON i.indexrelid = own.inhrelid
    WHERE own.inhparent = %s::regclass AND i.indrelid = day.inhrelid
) ORDER BY 1
"""


def index_each_day(apps, schema_editor) -> None:
    """Day by day, beside the work.  Whoever is interrupted goes on with the days that are left; new ones have theirs."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX IF NOT EXISTS {INDEX} ON ONLY engine_message {COLUMNS}")
        cursor.execute(DAYS_WITHOUT, [INDEX])
        for day, is_made in cursor.fetchall():
            name = f"{day}_by_campaign_and_code"
            if not is_made:
                cursor.execute("SET lock_timeout = 0")  # it waits for whoever reads or writes, and nobody for it
                cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
                cursor.execute(f"CREATE INDEX CONCURRENTLY {name} ON {day} {COLUMNS}")
                cursor.execute("RESET lock_timeout")
            cursor.execute(f"ALTER INDEX {INDEX} ATTACH PARTITION {name}")


def drop_index(apps, schema_editor) -> None:
    schema_editor.execute(f"DROP INDEX {INDEX}")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("engine", "0008_attempts_by_time"),
    ]

    operations = [
        migrations.RunPython(index_each_day, drop_index),
    ]
