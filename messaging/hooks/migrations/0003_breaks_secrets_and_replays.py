import django.db.models.deletion
import django.utils.timezone
from django.contrib.postgres.functions import TransactionNow
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("hooks", "0002_walls"),
    ]

    operations = [
        migrations.AddField("webhookendpoint", "sealed_previous_secret", models.TextField(blank=True, default="")),
        migrations.AddField("webhookendpoint", "previous_secret_until", models.DateTimeField(null=True)),
        migrations.AddField("webhookendpoint", "active_since", models.DateTimeField(db_default=TransactionNow())),
        migrations.AddField(
            "webhookendpoint",
            "failures",
            models.PositiveIntegerField(default=0, help_text="calls that failed since the last success"),
        ),
        migrations.AddField("webhookendpoint", "failing_since", models.DateTimeField(null=True)),
        migrations.AddField("webhookendpoint", "paused_until", models.DateTimeField(null=True)),
        migrations.AddField("webhookendpoint", "removed_at", models.DateTimeField(null=True)),
        migrations.RemoveField("webhookdelivery", "payload"),
        migrations.AddField(
            "webhookdelivery",
            "give_up_at",
            models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.AlterField(
            "webhookdelivery",
            "endpoint",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="hooks.webhookendpoint",
            ),
        ),
        migrations.AlterField(
            "webhookdelivery",
            "message_id",
            models.UUIDField(help_text="the message; of a test event its own id"),
        ),
        migrations.RemoveIndex("webhookdelivery", "delivery_due"),
        migrations.AddIndex(
            "webhookdelivery",
            models.Index(
                condition=models.Q(("status", "waiting")), fields=["endpoint", "due_at"], name="delivery_ripe"
            ),
        ),
        migrations.AddIndex("webhookdelivery", models.Index(fields=["endpoint", "-id"], name="delivery_by_endpoint")),
    ]
