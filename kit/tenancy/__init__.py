"""The second wall: which rows the database itself lets this piece of work see.

    with as_organisation(organisation_id, path=…):   # the web: one tenant
    with with_downline(organisation_id, path=…):     # an agent reading what lies below
    with with_upline(organisation_id, path=…):       # pricing reading the price books above
    with as_engine():                                # stations 2 to 4 and the ledger, across tenants

No scope means no rows.
"""

from .scope import (
    ENGINE_ROLE,
    WEB_ROLE,
    Scope,
    adopt,
    as_engine,
    as_organisation,
    as_visitor,
    current_scope,
    undecided,
    with_downline,
    with_upline,
)

__all__ = [
    "ENGINE_ROLE",
    "WEB_ROLE",
    "Scope",
    "adopt",
    "as_engine",
    "as_organisation",
    "as_visitor",
    "current_scope",
    "undecided",
    "with_downline",
    "with_upline",
]
