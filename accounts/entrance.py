"""A person's way into an organisation's scope: every page begins with it, so it is one round trip."""

from uuid import UUID

from django.db import connection

from kit import tenancy
from kit.sql import columns_of, loaded

from .models import Membership, Organisation, User

_MEMBERSHIP, _ORGANISATION = columns_of(Membership), columns_of(Organisation)

# Become a visitor who is this person, read their memberships, step into one's organisation, read that.
# Four statements, because each one's policies must see what the one before it has set.
_STEP_IN = f"""
SELECT set_config('role', %(role)s, true), set_config('app.organisation', '', true), set_config('app.path', '', true),
    set_config('app.reach', 'own', true), set_config('app.user', %(user)s, true),
    set_config('app.memberships', '{{}}', true), set_config('app.presented', '', true);
SELECT /* sent along */ {", ".join(_MEMBERSHIP)} FROM accounts_membership WHERE user_id = %(user)s::uuid ORDER BY id;
SELECT /* sent along */ set_config('app.memberships', ids::text, true),
    set_config('app.organisation', (CASE WHEN %(wanted)s::uuid = ANY (ids) THEN %(wanted)s::uuid ELSE ids[1] END)::text, true)
    FROM (SELECT array_agg(organisation_id ORDER BY id) AS ids FROM accounts_membership WHERE user_id = %(user)s::uuid) mine
    WHERE ids IS NOT NULL;
SELECT /* sent along */ set_config('app.path', path::text, true), {", ".join(_ORGANISATION)}
    FROM accounts_organisation WHERE id = nullif(current_setting('app.organisation'), '')::uuid
"""  # noqa: S608  (column names of our own models)


def step_in(user: User, *, wanted: UUID | None) -> Membership | None:
    """Put the open transaction into the organisation they want, else into their first; with no team they stay a visitor.

    Gives the membership, its `user` and `organisation` loaded.  An organisation that is not theirs counts as none.
    """
    memberships, organisation = _read(user, wanted)
    if organisation is None:
        tenancy.adopt(tenancy.Scope(user=user.pk))
        return None
    ids = tuple(one.organisation_id for one in memberships)
    tenancy.adopt(tenancy.Scope(organisation=organisation.pk, path=organisation.path, user=user.pk, memberships=ids))
    membership = next(one for one in memberships if one.organisation_id == organisation.pk)
    membership.user, membership.organisation = user, organisation
    return membership


def _read(user: User, wanted: UUID | None) -> tuple[list[Membership], Organisation | None]:
    with connection.cursor() as cursor:
        cursor.execute(_STEP_IN, {"role": tenancy.WEB_ROLE, "user": str(user.pk), "wanted": wanted})
        cursor.nextset()
        memberships = [loaded(Membership, row) for row in cursor.fetchall()]
        cursor.nextset()
        cursor.nextset()
        row = cursor.fetchone()
    return memberships, loaded(Organisation, row[1:]) if row else None
