from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_who_the_operator_is"),
    ]

    operations = [
        migrations.AddField(
            model_name="organisation",
            name="erase_after_days",
            field=models.PositiveSmallIntegerField(
                db_default=180,
                default=180,
                help_text="days until they are erased",
                verbose_name="keep texts and numbers",
            ),
        ),
        migrations.AddField(
            model_name="organisation",
            name="erased_before",
            field=models.DateTimeField(help_text="every message accepted before is final and erased", null=True),
        ),
        migrations.AddConstraint(
            model_name="organisation",
            constraint=models.CheckConstraint(
                condition=models.Q(("erase_after_days__gte", 1)), name="organisation_keeps_a_day"
            ),
        ),
    ]
