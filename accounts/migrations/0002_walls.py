"""The second wall: row-level security, and history that only grows."""

from django.db import migrations

from kit.tenancy.migrations import append_only, grant_to_roles, protect

PRESENTED = "(SELECT nullif(current_setting('app.presented', true), ''))"

# The path is the tree: kept here so that no writer can get it wrong.  Both functions run as the tables' owner,
# because whoever makes an organisation need not be able to see its parent.
KEEP_PATHS = """
CREATE FUNCTION keep_organisation_path() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    label text := replace(NEW.id::text, '-', '');
    above ltree;
BEGIN
    IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN RETURN NEW; END IF;
    IF TG_OP = 'UPDATE' AND NEW.parent_id IS NOT DISTINCT FROM OLD.parent_id THEN
        NEW.path := OLD.path;
        RETURN NEW;
    END IF;
    IF NEW.parent_id IS NULL THEN
        NEW.path := label::ltree;
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('accounts_organisation'));  -- two moves at once could close a circle
    SELECT path INTO above FROM accounts_organisation WHERE id = NEW.parent_id;
    IF above IS NULL THEN RAISE EXCEPTION 'parent organisation does not exist' USING ERRCODE = 'foreign_key_violation'; END IF;
    IF NEW.id = NEW.parent_id OR (TG_OP = 'UPDATE' AND above <@ OLD.path) THEN
        RAISE EXCEPTION 'an organisation cannot lie below itself' USING ERRCODE = 'check_violation';
    END IF;
    NEW.path := above || label;
    RETURN NEW;
END $$;
CREATE FUNCTION move_organisation_downline() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE accounts_organisation SET path = NEW.path || subpath(path, nlevel(OLD.path))
        WHERE path <@ OLD.path AND id <> NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_organisation_path BEFORE INSERT OR UPDATE ON accounts_organisation
    FOR EACH ROW EXECUTE FUNCTION keep_organisation_path();
CREATE TRIGGER move_organisation_downline AFTER UPDATE OF parent_id ON accounts_organisation
    FOR EACH ROW WHEN (NEW.path IS DISTINCT FROM OLD.path) EXECUTE FUNCTION move_organisation_downline();
CREATE INDEX organisation_path_gist ON accounts_organisation USING gist (path);
"""
FORGET_PATHS = """
DROP INDEX organisation_path_gist;
DROP TRIGGER move_organisation_downline ON accounts_organisation;
DROP TRIGGER keep_organisation_path ON accounts_organisation;
DROP FUNCTION move_organisation_downline();
DROP FUNCTION keep_organisation_path();
"""

_MINE = """id = (SELECT nullif(current_setting('app.organisation', true), '')::uuid)
    OR ((SELECT current_setting('app.reach', true)) = 'below'
        AND path <@ (SELECT nullif(current_setting('app.path', true), '')::ltree))"""
PROTECT_ORGANISATIONS = f"""
ALTER TABLE accounts_organisation ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts_organisation FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON accounts_organisation TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY engine_all ON accounts_organisation TO signalbox_engine USING (true) WITH CHECK (true);
CREATE POLICY web_read ON accounts_organisation FOR SELECT TO signalbox_web USING ({_MINE}
    OR id = ANY (coalesce(nullif((SELECT current_setting('app.memberships', true)), ''), '{{}}')::uuid[])
    OR ((SELECT current_setting('app.reach', true)) = 'above'
        AND path @> (SELECT nullif(current_setting('app.path', true), '')::ltree)));
CREATE POLICY web_insert ON accounts_organisation FOR INSERT TO signalbox_web WITH CHECK ({_MINE});
CREATE POLICY web_update ON accounts_organisation FOR UPDATE TO signalbox_web USING ({_MINE}) WITH CHECK ({_MINE});
"""
UNPROTECT_ORGANISATIONS = """
DROP POLICY web_update ON accounts_organisation;
DROP POLICY web_insert ON accounts_organisation;
DROP POLICY web_read ON accounts_organisation;
DROP POLICY engine_all ON accounts_organisation;
DROP POLICY owner_all ON accounts_organisation;
ALTER TABLE accounts_organisation NO FORCE ROW LEVEL SECURITY;
ALTER TABLE accounts_organisation DISABLE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("sessions", "0001_initial"),
        ("contenttypes", "0001_initial"),
    ]

    operations = [
        grant_to_roles(),
        migrations.RunSQL(KEEP_PATHS, FORGET_PATHS),
        migrations.RunSQL(PROTECT_ORGANISATIONS, UNPROTECT_ORGANISATIONS),
        protect(
            "accounts_membership", also_read="user_id = (SELECT nullif(current_setting('app.user', true), '')::uuid)"
        ),
        protect("accounts_invitation", also_read=f"token_fingerprint = {PRESENTED}"),
        protect("accounts_apikey", also_read=f"fingerprint = {PRESENTED}"),
        protect("accounts_brand", also_read="true"),
        protect("accounts_auditentry"),
        append_only("accounts_auditentry"),
    ]
