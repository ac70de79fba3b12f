"""Channels in trouble are left alone: a circuit breaker each, and what workers say of theirs."""

import django.db.models.deletion
from django.db import migrations, models

from kit.tenancy.migrations import protect


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0003_binds_of_a_line"),
    ]

    operations = [
        migrations.AddField(
            model_name="bind",
            name="sent_at",
            field=models.DateTimeField(help_text="when the carrier last took a message", null=True),
        ),
        migrations.AddField(
            model_name="bind",
            name="trouble",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="why it can't be used", max_length=300
            ),
        ),
        migrations.CreateModel(
            name="Breaker",
            fields=[
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="breaker",
                        serialize=False,
                        to="channels.channel",
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("retry_at", models.DateTimeField()),
                ("why", models.CharField(max_length=300)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
        ),
        protect("channels_breaker", also_read="true"),
    ]
