"""A rule names who set it and pays by it, and how long it held.  Only that seller may write it; entries only the engine."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from kit.tenancy.migrations import own_or_below

# Who owns a table with forced row-level security sees no rows of it either: the force is lifted while they are filled.
FILL_PAYERS = [
    "ALTER TABLE agents_commissionrule NO FORCE ROW LEVEL SECURITY",
    "UPDATE agents_commissionrule rule SET paid_by_id = agent.parent_id FROM accounts_organisation agent"
    " WHERE agent.id = rule.organisation_id",
    "UPDATE agents_commissionrule SET ended_at = now() WHERE NOT is_active",
    "ALTER TABLE agents_commissionrule FORCE ROW LEVEL SECURITY",
    "SET CONSTRAINTS ALL IMMEDIATE",
]

BY_ITS_PAYER = (
    f"{own_or_below()} AND organisation_id <> paid_by_id"
    " AND paid_by_id = (SELECT nullif(current_setting('app.organisation', true), '')::uuid)"
)
NARROW_WRITING = [
    "DROP POLICY web_insert ON agents_commissionrule",
    "DROP POLICY web_update ON agents_commissionrule",
    "DROP POLICY web_delete ON agents_commissionrule",
    f"CREATE POLICY web_insert ON agents_commissionrule FOR INSERT TO signalbox_web WITH CHECK ({BY_ITS_PAYER})",
    f"CREATE POLICY web_update ON agents_commissionrule FOR UPDATE TO signalbox_web USING ({BY_ITS_PAYER})"
    f" WITH CHECK ({BY_ITS_PAYER})",
    "REVOKE DELETE ON agents_commissionrule FROM signalbox_web",
    "REVOKE INSERT ON agents_commissionentry FROM signalbox_web",
]


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0002_walls"),
    ]

    operations = [
        migrations.AddField(
            "commissionrule",
            "paid_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organisation",
            ),
        ),
        migrations.AddField("commissionrule", "ended_at", models.DateTimeField(editable=False, null=True)),
        migrations.RunSQL(FILL_PAYERS, migrations.RunSQL.noop),
        migrations.AlterField(
            "commissionrule",
            "paid_by",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organisation"
            ),
        ),
        migrations.AlterField(
            "commissionrule",
            "created_at",
            models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.RemoveConstraint("commissionrule", "one_rule_a_basis"),
        migrations.AddConstraint(
            "commissionrule",
            models.UniqueConstraint(
                condition=models.Q(("ended_at", None)), fields=("organisation", "basis"), name="one_rule_a_basis"
            ),
        ),
        migrations.RemoveField("commissionrule", "is_active"),
        migrations.AlterField(
            "commissionentry",
            "sale_reference",
            models.CharField(
                help_text="settlement:<id>, purchase:<id> or refund:<id>:<micros refunded>", max_length=120
            ),
        ),
        migrations.AddIndex(
            "commissionentry",
            models.Index(
                condition=models.Q(("sale_reference__startswith", "settlement:"), _negated=True),
                fields=["sale_reference"],
                name="commission_by_purchase",
            ),
        ),
        migrations.RunSQL(NARROW_WRITING, migrations.RunSQL.noop),
    ]
