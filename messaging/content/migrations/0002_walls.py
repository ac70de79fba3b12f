"""The second wall: row-level security, and history that only grows."""

from django.db import migrations

from kit.tenancy.migrations import protect

FREEZE_VERSIONS = """
CREATE FUNCTION keep_submitted_wording() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'draft' THEN RAISE EXCEPTION 'a submitted version is kept' USING ERRCODE = 'check_violation'; END IF;
        RETURN OLD;
    END IF;
    IF OLD.status <> 'draft' AND (NEW.body, NEW.variables, NEW.template_id, NEW.number, NEW.organisation_id, NEW.author_id)
        IS DISTINCT FROM (OLD.body, OLD.variables, OLD.template_id, OLD.number, OLD.organisation_id, OLD.author_id) THEN
        RAISE EXCEPTION 'the wording of a submitted version never changes' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.status IN ('approved', 'rejected') AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION 'a decision on a version stands' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_submitted_wording BEFORE UPDATE OR DELETE ON content_templateversion
    FOR EACH ROW EXECUTE FUNCTION keep_submitted_wording();
"""
UNFREEZE_VERSIONS = """
DROP TRIGGER keep_submitted_wording ON content_templateversion;
DROP FUNCTION keep_submitted_wording();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("content", "0001_initial"),
        ("accounts", "0002_walls"),
    ]

    operations = [
        protect("content_senderid"),
        protect("content_messagetemplate"),
        protect("content_templateversion"),
        protect("content_review"),
        protect("content_sensitiveword", also_read="true"),
        migrations.RunSQL(FREEZE_VERSIONS, UNFREEZE_VERSIONS),
    ]
