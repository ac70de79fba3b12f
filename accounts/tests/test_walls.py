"""The second wall, read from PostgreSQL's own catalogue: a new table without it fails here."""

import re
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.tests.factories import make_agent, make_customer, make_member, make_user
from kit import tenancy
from kit.ids import uuid7

pytestmark = pytest.mark.django_db

#: Tables that belong to no tenant, and why that is so.
HOUSE_TABLES = {
    "accounts_user": "people belong to no tenant; memberships say where they may do what",
    "accounts_user_groups": "Django's, unused",
    "accounts_user_user_permissions": "Django's, unused",
    "auth_group": "Django's, unused",
    "auth_group_permissions": "Django's, unused",
    "auth_permission": "Django's, unused",
    "account_emailaddress": "a person's addresses",
    "account_emailconfirmation": "a person's addresses",
    "mfa_authenticator": "a person's second factor, sealed",
    "usersessions_usersession": "a person's sessions",
    "django_session": "a person's sessions",
    "django_content_type": "names of models",
    "django_migrations": "what was migrated",
    "engine_claim": "what a worker has in hand, of many tenants: of the machine room alone",
    "engine_sweepprogress": "how far the house has looked: of the machine room alone",
    "operations_housefact": "what the house knows about itself: the web may only read it",
    "site_occurrence": "what the clock has rung for",
    "agents_sumprogress": "up to when everybody's days are summed: the web may only read it",
    "traffic_sumprogress": "up to when everybody's counts are summed: the web may only read it",
    "payments_stripeevent": "Stripe's inbox: the web may only add to it",
}
#: Tables in which the tenant's column has another name.
TENANT_COLUMN = {"accounts_organisation": "id"}
#: Published on purpose: rows the web reads in every scope.
PUBLISHED = {
    "accounts_brand": "name and logo, shown before anybody signs in",
    "channels_breaker": "which way it does not go, because a carrier is in trouble",
    "channels_route": "which way a message goes",
    "content_sensitiveword": "what is never sent",
    "packages_package": "the catalogue, where listed",
}

TABLES = """
    SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner),
        array(SELECT attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""


def rows_of(sql: str, *parameters) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def count_of(table: str, *, of=None) -> int:
    condition = f"WHERE {TENANT_COLUMN.get(table, 'organisation_id')} = %s" if of else ""
    return rows_of(f"SELECT count(*) FROM {table} {condition}", *([of] if of else []))[0][0]


def tenant_tables() -> list[str]:
    return [name for name, *_, columns in rows_of(TABLES) if "organisation_id" in columns or name in TENANT_COLUMN]


def allowed(table: str, right: str) -> bool:
    return rows_of("SELECT has_table_privilege('signalbox_web', %s, %s)", table, right)[0][0]


def test_every_table_names_its_tenant_or_says_why_it_has_none():
    found = {name for name, *_ in rows_of(TABLES)}

    unexplained = found - set(tenant_tables()) - set(HOUSE_TABLES)
    assert not unexplained, f"give {unexplained} an organisation column and protect(…), or say why in HOUSE_TABLES"
    assert not set(HOUSE_TABLES) - found, "no longer there: take them off the list"


def test_row_level_security_is_forced_on_every_tenant_table():
    bare = [
        name for name, is_on, is_forced, *_ in rows_of(TABLES) if name in tenant_tables() and not (is_on and is_forced)
    ]

    assert not bare, f"call protect(…) in a migration for {bare}"


def test_partitions_cannot_be_read_around_their_table():
    partitions = rows_of(
        "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' AND NOT relrowsecurity"
        " AND has_table_privilege('signalbox_web', oid, 'SELECT')"
    )

    assert not partitions, f"the web reads {partitions} without policies"


def test_neither_role_is_a_superuser_passes_policies_or_owns_a_table():
    for role in ("signalbox_web", "signalbox_engine"):
        (rights,) = rows_of(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcanlogin FROM pg_roles WHERE rolname = %s", role
        )
        assert rights == (False, False, False, False)
    assert not {owner for *_, owner, _ in rows_of(TABLES)} & {"signalbox_web", "signalbox_engine"}


def test_the_portals_login_cannot_become_the_engine():
    is_there, may = rows_of(
        "SELECT count(*), coalesce(bool_or(pg_has_role(oid, 'signalbox_engine', 'SET')), false)"
        " FROM pg_roles WHERE rolname = 'signalbox_portal'"
    )[0]

    assert (is_there, may) == (1, False)


def test_no_view_or_function_opens_a_way_around():
    views = rows_of(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"
        " AND relname NOT LIKE 'pg_stat_statements%%'"
    )
    definers = rows_of(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
        " AND has_function_privilege('signalbox_web', oid, 'EXECUTE')"
    )

    assert {name for (name,) in views} == KNOWN_VIEWS, "a view reads as its owner: use a query"
    assert {name for (name,) in definers} == KNOWN_DEFINERS, "runs as the tables' owner: is that wanted?"


#: By which policies ask for what lies below or above, and nothing else.
KNOWN_VIEWS = {"organisations_below", "organisations_above"}
#: Functions that run as the tables' owner and that the web may call: the tree's upkeep, who the operator is, and counts for
#: /metrics, in which no tenant can be told from another.
KNOWN_DEFINERS = {"keep_organisation_path", "move_organisation_downline", "house_operator", "house_figures"}


@pytest.mark.parametrize("role", ["signalbox_web", "signalbox_engine"])
@pytest.mark.parametrize("view", sorted(KNOWN_VIEWS))
def test_nobody_writes_through_the_policies_views(view, role):
    rights = rows_of(
        "SELECT one FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS one"
        " WHERE has_table_privilege(%s, %s, one)",
        role, view,
    )  # fmt: skip

    assert {right for (right,) in rights} == ({"SELECT"} if role == "signalbox_web" else set())


def test_the_policies_views_show_what_the_tree_shows_in_the_same_scope():
    agent, beside = make_agent(), make_agent()
    below, cousin = make_customer(parent=agent), make_customer(parent=beside)
    everybody = {agent.pk, beside.pk, below.pk, cousin.pk}
    scopes = {
        "own": agent.scope(),
        "below": agent.downline_scope(),
        "above": tenancy.with_upline(below.pk, path=below.path),
        "nobody's": tenancy.as_visitor(),
    }

    seen = {name: seen_by_views(scope) for name, scope in scopes.items()}

    assert {name: ids & everybody for name, (ids, _) in seen.items() if ids} == {"below": {agent.pk, below.pk}}
    assert {name: ids & everybody for name, (_, ids) in seen.items() if ids} == {"above": {agent.pk, below.pk}}


def seen_by_views(scope) -> tuple[set, set]:
    with scope:
        below, above = ({id for (id,) in rows_of(f"SELECT id FROM organisations_{way}")} for way in ("below", "above"))
        tree = {id for (id,) in rows_of("SELECT id FROM accounts_organisation")}
    assert below | above <= tree
    return below, above


def test_policies_ask_the_views_instead_of_the_tree():
    """The tree has policies of its own, which would be planned with each table of each statement."""
    slow = rows_of(
        "SELECT tablename, policyname FROM pg_policies"
        " WHERE concat(qual, with_check) ~ 'FROM accounts_organisation' AND policyname LIKE 'web_%%'"
    )

    assert not slow, "call protect(…, by_views=True) for a new table"


def test_without_a_scope_there_are_no_rows():
    make_member(make_customer())

    with tenancy.as_visitor():
        for table in tenant_tables():
            if allowed(table, "SELECT") and table not in PUBLISHED:
                assert count_of(table) == 0, table


def test_the_membership_of_somebody_else_is_invisible_to_a_visitor():
    membership = make_member(make_customer())
    stranger = make_user()

    with tenancy.as_visitor(user=stranger.pk):
        assert count_of("accounts_membership") == 0
    with tenancy.as_visitor(user=membership.user.pk):
        assert count_of("accounts_membership") == 1


@pytest.fixture
def planted():
    """Two tenants with a row of each in every tenant table.

    Made past all constraints, as the tables' owner: what keeps the rows apart here is the wall and nothing else.
    The test's transaction takes the damage back.
    """
    for table in tenant_tables():
        unbind(table)
    ours, theirs = make_customer(), make_customer()
    for table in tenant_tables():
        for organisation in (ours, theirs):
            if table not in TENANT_COLUMN:
                run(insert_into(table), new_row(table, organisation.pk))
    return ours, theirs


def unbind(table: str) -> None:
    with owner():
        run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for (name,) in rows_of(
            "SELECT conname FROM pg_constraint WHERE conparentid = 0 AND conrelid = %s::regclass AND contype IN ('f', 'c')",
            table,
        ):
            run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for name, _, is_key in columns_of(table):
            if not is_key:
                run(f'ALTER TABLE {table} ALTER COLUMN "{name}" DROP NOT NULL')


@contextmanager
def owner():
    """The tables' owner, for as long as the block lasts."""
    run("SET LOCAL ROLE signalbox_owner")
    yield
    run("SET LOCAL ROLE signalbox_engine")


def columns_of(table: str) -> list[tuple[str, str, bool]]:
    """Name, type, and whether it is part of the primary key."""
    return rows_of(
        """SELECT attname, format_type(atttypid, NULL), coalesce(attnum = ANY (indkey), false)
           FROM pg_attribute LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary
           WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped""",
        table,
    )


def new_row(table: str, organisation) -> dict:
    key = {name: new_key(kind) for name, kind, is_key in columns_of(table) if is_key}
    return key | {"organisation_id": organisation}


NUMBERS = count(10**9)


def new_key(kind: str):
    """Alone, or together with the rest of its key, nobody else's."""
    made = {
        "uuid": uuid7,
        "smallint": lambda: 1,
        "boolean": lambda: False,
        "character varying": lambda: "day",  # a unit, and as long as a currency
        "timestamp with time zone": timezone.now,
    }
    return made.get(kind, lambda: next(NUMBERS))()


def insert_into(table: str) -> str:
    columns = list(new_row(table, None))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f'%({name})s' for name in columns)})"


def run(sql: str, parameters=None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.rowcount


def reaches(sql: str, parameters=None) -> bool:
    """Whether the statement touches a row.  Refused by anything but the wall, it has got past the wall."""
    try:
        with transaction.atomic():
            return run(sql, parameters) > 0
    except DatabaseError as error:
        return error.__cause__.sqlstate != "42501"


def ways_in(table: str, theirs) -> list[str]:
    """What the current role can do with another tenant's row of this table."""
    column = TENANT_COLUMN.get(table, "organisation_id")
    where = f"WHERE {column} = %(theirs)s"
    tries = {
        "select": f"SELECT 1 FROM {table} {where}",
        "update": f"UPDATE {table} SET {column} = {column} {where}",
        "delete": f"DELETE FROM {table} {where}",
    }
    found = [name for name, sql in tries.items() if reaches(sql, {"theirs": theirs.pk})]
    if table not in TENANT_COLUMN:
        found += ["insert"] if reaches(insert_into(table), new_row(table, theirs.pk)) else []
        give_away = f"UPDATE {table} SET organisation_id = %(theirs)s WHERE organisation_id <> %(theirs)s"
        found += ["give away"] if reaches(give_away, {"theirs": theirs.pk}) else []
    return found


def all_ways_in(theirs) -> dict[str, list[str]]:
    return {table: ways for table in tenant_tables() if (ways := ways_in(table, theirs))}


@pytest.mark.parametrize("scope", ["own", "downline", "upline", "visitor"])
def test_no_tenant_reads_changes_adds_or_takes_away_anothers_row_in_any_table(scope, planted):
    ours, theirs = planted
    scopes = {
        "own": ours.scope,
        "downline": ours.downline_scope,
        "upline": lambda: tenancy.with_upline(ours.pk, path=ours.path),
        "visitor": tenancy.as_visitor,
    }

    with scopes[scope]():
        found = all_ways_in(theirs)

    published = {table: ["select"] for table in PUBLISHED if table != "packages_package"}  # ours is not listed
    assert found == published


def test_a_tenant_reaches_its_own_rows(planted):
    ours, _ = planted

    with ours.scope():
        unreachable = [
            table for table in tenant_tables() if allowed(table, "SELECT") and not count_of(table, of=ours.pk)
        ]

    assert unreachable == []


def test_with_the_wall_taken_out_the_same_probe_gets_in_everywhere(planted):
    """The sabotage twin: it is the wall, not the probe, that finds nothing."""
    ours, theirs = planted
    with owner():
        for table in tenant_tables():
            run(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")

    with ours.scope():
        found = all_ways_in(theirs)

    assert {table for table, ways in found.items() if "select" in ways} == {
        table for table in tenant_tables() if allowed(table, "SELECT")
    }


def test_an_agent_reaches_below_and_neither_beside_nor_above():
    agent, beside = make_agent(), make_agent()
    below, cousin = make_customer(parent=agent), make_customer(parent=beside)

    with agent.downline_scope():
        seen = {id for (id,) in rows_of("SELECT id FROM accounts_organisation")}

    assert seen == {agent.pk, below.pk}
    assert cousin.pk not in seen


#: Where work across tenants is the work itself: stations 2 to 4, the ledger, tasks looking for work, commands.
MACHINE_ROOM = re.compile(
    r"(kit/tenancy|messaging/(engine|channels|traffic|hooks)|billing/ledger)/|(messaging/campaigns|billing/\w+|agents)/tasks|"
    r"messaging/campaigns/(retention|recovery)\.py|portal/(operations/|clock\.py)|"
    r"agents/(actions/accrual|sums)\.py|portal/site/demo/|bench/|.*/management/commands/"
)
PAGES = re.compile(r".*/(views|queries|forms|tables|api|context|navigation)(\.py|/)")


def test_only_the_machine_room_works_across_tenants():
    root = Path(settings.BASE_DIR)
    sources = (path.relative_to(root).as_posix() for path in root.glob("[a-z]*/**/*.py") if "tests" not in path.parts)
    users = [path for path in sources if re.search(r"\bas_engine\(", (root / path).read_text())]

    outside = [path for path in users if not MACHINE_ROOM.match(path) or PAGES.match(path)]
    assert not outside, f"a page or query must not leave its tenant: {outside}"
