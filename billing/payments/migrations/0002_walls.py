"""The second wall: row-level security, and history that only grows."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0001_initial"),
        ("accounts", "0002_walls"),
    ]

    operations = [
        migrations.RunSQL(
            [
                "REVOKE ALL ON payments_stripeevent FROM signalbox_web",
                "GRANT INSERT ON payments_stripeevent TO signalbox_web",
            ],
            "GRANT SELECT, INSERT, UPDATE, DELETE ON payments_stripeevent TO signalbox_web",
        ),
    ]
