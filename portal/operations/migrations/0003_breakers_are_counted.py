"""The figures tell of each channel whether it is left alone, and for how long it has been."""

from importlib import import_module

from django.db import migrations

FIGURES = import_module("portal.operations.migrations.0001_figures").FIGURES.replace("CREATE ", "CREATE OR REPLACE ", 1)
counting = import_module("portal.operations.migrations.0002_counting").counting

BREAKERS = """
    WHEN 'breakers' THEN RETURN QUERY
        SELECT figure.name, jsonb_build_object('channel', c.name), figure.value
        FROM channels_channel c LEFT JOIN channels_breaker b ON b.channel_id = c.id
        CROSS JOIN LATERAL (VALUES ('open'::text, (b.channel_id IS NOT NULL)::int::float8),
            ('open_for', greatest(0, coalesce(extract(epoch FROM now() - b.opened_at), 0))::float8)) AS figure (name, value)
        WHERE c.is_active;
"""
END = "    END CASE;"


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0004_breakers"),
        ("operations", "0002_counting"),
    ]

    operations = [
        counting("channels_breaker"),
        migrations.RunSQL(FIGURES.replace(END, BREAKERS + END), FIGURES),
    ]
