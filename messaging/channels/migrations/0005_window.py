"""A new channel has room for batches of a thousand: seven windows are in hand at most."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0004_breakers"),
    ]

    operations = [
        migrations.AlterField(
            model_name="channel",
            name="window",
            field=models.PositiveIntegerField(
                default=300,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(5000),
                ],
                verbose_name="window",
            ),
        ),
    ]
