"""One draft a template, a risk on each review; what was submitted or decided is kept by the database itself."""

from django.db import migrations, models

KEEP = """
CREATE FUNCTION keep_submitted_sender() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'draft' AND (NEW.kind, NEW.name, NEW.organisation_id) IS DISTINCT FROM (OLD.kind, OLD.name, OLD.organisation_id) THEN
        RAISE EXCEPTION 'the name of a submitted sender never changes' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_submitted_sender BEFORE UPDATE ON content_senderid
    FOR EACH ROW EXECUTE FUNCTION keep_submitted_sender();

CREATE FUNCTION keep_reviewed_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM content_templateversion v WHERE v.template_id = OLD.id AND v.status <> 'draft') THEN
        RAISE EXCEPTION 'the category of a submitted template never changes' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_reviewed_category BEFORE UPDATE ON content_messagetemplate
    FOR EACH ROW WHEN (NEW.category IS DISTINCT FROM OLD.category OR NEW.organisation_id IS DISTINCT FROM OLD.organisation_id)
    EXECUTE FUNCTION keep_reviewed_category();

CREATE FUNCTION keep_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a decision stands: it is never changed or taken away' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER keep_decision BEFORE UPDATE OR DELETE ON content_review
    FOR EACH ROW WHEN (OLD.decision <> '') EXECUTE FUNCTION keep_decision();
"""
FORGET = """
DROP TRIGGER keep_decision ON content_review;
DROP FUNCTION keep_decision();
DROP TRIGGER keep_reviewed_category ON content_messagetemplate;
DROP FUNCTION keep_reviewed_category();
DROP TRIGGER keep_submitted_sender ON content_senderid;
DROP FUNCTION keep_submitted_sender();
"""


class Migration(migrations.Migration):
    dependencies = [("content", "0002_walls")]

    operations = [
        migrations.AddField(
            model_name="review",
            name="risk",
            field=models.PositiveSmallIntegerField(default=0, help_text="0 to 100, from hits and hints at submission"),
        ),
        migrations.AddConstraint(
            model_name="templateversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "draft")), fields=("template",), name="one_draft_a_template"
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(condition=models.Q(("decision", "")), fields=["due_at"], name="open_reviews_by_due"),
        ),
        migrations.RunSQL(KEEP, FORGET),
    ]
