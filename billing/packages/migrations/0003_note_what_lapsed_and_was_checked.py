from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("packages", "0002_walls"),
    ]

    operations = [
        migrations.AddField(
            model_name="allowance",
            name="lapsed_at",
            field=models.DateTimeField(help_text="noted as expired with segments left", null=True),
        ),
        migrations.AddField(
            model_name="purchase",
            name="checked_at",
            field=models.DateTimeField(help_text="when we last asked Stripe about it ourselves", null=True),
        ),
    ]
