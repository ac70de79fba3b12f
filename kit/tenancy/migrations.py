"""Migration operations for the second wall.  Frozen plumbing: change the SQL by adding an operation, never in place."""

from django.db import migrations

_ORGANISATION = "(SELECT nullif(current_setting('app.organisation', true), '')::uuid)"
_BELOW = (
    "((SELECT current_setting('app.reach', true)) = 'below' AND EXISTS (SELECT 1 FROM accounts_organisation o"
    " WHERE o.id = {column} AND o.path <@ (SELECT nullif(current_setting('app.path', true), '')::ltree)))"
)
_ABOVE = (
    "((SELECT current_setting('app.reach', true)) = 'above' AND EXISTS (SELECT 1 FROM accounts_organisation o"
    " WHERE o.id = {column} AND o.path @> (SELECT nullif(current_setting('app.path', true), '')::ltree)))"
)
#: The same by the views of `operations` 0004, which cost the planner a fraction of it.
_VIEW_BELOW = "EXISTS (SELECT 1 FROM organisations_below o WHERE o.id = {column})"
_VIEW_ABOVE = "EXISTS (SELECT 1 FROM organisations_above o WHERE o.id = {column})"


def own_or_below(column: str = "organisation_id", *, by_views: bool = False) -> str:
    return f"({column} = {_ORGANISATION} OR {(_VIEW_BELOW if by_views else _BELOW).format(column=column)})"


def protect(
    table: str,
    *,
    column: str = "organisation_id",
    also_read: str = "",
    also_write: str = "",
    read_above: bool = False,
    by_views: bool = False,
) -> migrations.RunSQL:
    """Force row-level security on `table`: web sees its tenant's rows (or its downline's), the engine sees all.

    `also_read`, `also_write`: further SQL conditions under which the web may see or change a row.
    `read_above`: the row is published downwards: descendants may read it in an "above" scope.
    `by_views`: for every table made since `operations` 0004, on which its migration then depends; those before were changed by it.
    """
    mine = own_or_below(column, by_views=by_views)
    above = (_VIEW_ABOVE if by_views else _ABOVE).format(column=column)
    read = " OR ".join(filter(None, [mine, above if read_above else "", also_read]))
    write = " OR ".join(filter(None, [mine, also_write]))
    return migrations.RunSQL(
        [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY web_read ON {table} FOR SELECT TO signalbox_web USING ({read})",
            f"CREATE POLICY web_insert ON {table} FOR INSERT TO signalbox_web WITH CHECK ({write})",
            f"CREATE POLICY web_update ON {table} FOR UPDATE TO signalbox_web USING ({write}) WITH CHECK ({write})",
            f"CREATE POLICY web_delete ON {table} FOR DELETE TO signalbox_web USING ({write})",
            f"CREATE POLICY engine_all ON {table} TO signalbox_engine USING (true) WITH CHECK (true)",
        ],
        [
            f"DROP POLICY engine_all ON {table}",
            f"DROP POLICY web_delete ON {table}",
            f"DROP POLICY web_update ON {table}",
            f"DROP POLICY web_insert ON {table}",
            f"DROP POLICY web_read ON {table}",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ],
    )


def engine_only(table: str) -> migrations.RunSQL:
    """A table of the machine room: the web role can't reach it at all."""
    return migrations.RunSQL(
        [f"REVOKE ALL ON {table} FROM signalbox_web"],
        [f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO signalbox_web"],
    )


def append_only(table: str) -> migrations.RunSQL:
    """History: rows may be added, never changed or taken away, by anybody."""
    return migrations.RunSQL(
        [
            f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM signalbox_web, signalbox_engine",
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        ],
        [
            f"DROP TRIGGER {table}_append_only ON {table}",
            f"GRANT UPDATE, DELETE ON {table} TO signalbox_web, signalbox_engine",
        ],
    )


def grant_to_roles() -> migrations.RunSQL:
    """Let both roles use the tables that exist and those later migrations make.  Policies and revokes narrow it."""
    rights = "SELECT, INSERT, UPDATE, DELETE ON"
    roles = "signalbox_web, signalbox_engine"
    return migrations.RunSQL(
        [
            f"GRANT USAGE ON SCHEMA public TO {roles}",
            f"GRANT {rights} ALL TABLES IN SCHEMA public TO {roles}",
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {roles}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rights} TABLES TO {roles}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {roles}",
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION"
            " '% is append-only: add a correcting row instead', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $$",
        ],
        migrations.RunSQL.noop,
    )


def read_only(table: str) -> migrations.RunSQL:
    """Let the web look and not touch: what the house works out for its tenants."""
    return migrations.RunSQL(
        [f"REVOKE INSERT, UPDATE, DELETE ON {table} FROM signalbox_web"],
        [f"GRANT INSERT, UPDATE, DELETE ON {table} TO signalbox_web"],
    )
