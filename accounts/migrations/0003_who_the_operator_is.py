"""Anybody may ask which organisation is the operator (a sign-up needs a parent); a resumed tenant gets its status back."""

from django.db import migrations, models

HOUSE_OPERATOR = """
CREATE FUNCTION house_operator() RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT id FROM accounts_organisation WHERE kind = 'operator' $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_walls")]

    operations = [
        migrations.RunSQL(HOUSE_OPERATOR, "DROP FUNCTION house_operator()"),
        migrations.AddField(
            "organisation",
            "resumes_as",
            models.CharField(blank=True, default="", help_text="status before its suspension", max_length=10),
        ),
    ]
