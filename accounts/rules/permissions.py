"""The permission matrix: which role may do what, in which kind of organisation.

Views, API and navigation all read this one table; docs/permissions.md shows it to people.
"""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    OPERATOR = "operator"
    AGENT = "agent"
    CUSTOMER = "customer"


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    SENDER = "sender"
    FINANCE = "finance"
    REVIEWER = "reviewer"
    SUPPORT = "support"
    READ_ONLY = "read_only"


class Permission(StrEnum):
    VIEW_HOME = "home.view"
    VIEW_MESSAGES = "messages.view"
    REVEAL_NUMBERS = "messages.reveal"
    SEND_MESSAGES = "messages.send"
    MANAGE_CAMPAIGNS = "campaigns.manage"
    VIEW_CONTENT = "content.view"
    MANAGE_CONTENT = "content.manage"
    REVIEW_CONTENT = "content.review"
    VIEW_BILLING = "billing.view"
    PAY = "billing.pay"
    MANAGE_API_KEYS = "api_keys.manage"
    MANAGE_WEBHOOKS = "webhooks.manage"
    VIEW_TEAM = "team.view"
    MANAGE_TEAM = "team.manage"
    MANAGE_SETTINGS = "settings.manage"
    VIEW_AUDIT = "audit.view"
    VIEW_ACCOUNTS = "accounts.view"
    MANAGE_ACCOUNTS = "accounts.manage"
    TRANSFER_CREDIT = "accounts.transfer"
    MANAGE_BRAND = "brand.manage"
    VIEW_CHANNELS = "channels.view"
    MANAGE_CHANNELS = "channels.manage"


P, R = Permission, Role

_LOOK = {P.VIEW_HOME, P.VIEW_MESSAGES, P.VIEW_CONTENT, P.VIEW_BILLING, P.VIEW_TEAM, P.VIEW_ACCOUNTS, P.VIEW_CHANNELS}

MATRIX: Mapping[Role, frozenset[Permission]] = {
    R.OWNER: frozenset(P),
    R.ADMIN: frozenset(set(P) - {P.TRANSFER_CREDIT}),
    R.DEVELOPER: frozenset(
        {P.VIEW_HOME, P.VIEW_MESSAGES, P.SEND_MESSAGES, P.VIEW_CONTENT, P.MANAGE_CONTENT, P.MANAGE_API_KEYS,
         P.MANAGE_WEBHOOKS, P.VIEW_TEAM, P.VIEW_BILLING}
    ),
    R.SENDER: frozenset(
        {P.VIEW_HOME, P.VIEW_MESSAGES, P.SEND_MESSAGES, P.MANAGE_CAMPAIGNS, P.VIEW_CONTENT, P.MANAGE_CONTENT,
         P.VIEW_BILLING}
    ),
    R.FINANCE: frozenset({P.VIEW_HOME, P.VIEW_BILLING, P.PAY, P.VIEW_ACCOUNTS, P.TRANSFER_CREDIT}),
    R.REVIEWER: frozenset({P.VIEW_HOME, P.REVIEW_CONTENT, P.VIEW_CONTENT}),
    R.SUPPORT: frozenset(_LOOK | {P.REVEAL_NUMBERS}),
    R.READ_ONLY: frozenset(_LOOK),
}  # fmt: skip

#: What only some kinds of organisation do at all, whatever the role.
ONLY_IN: Mapping[Permission, frozenset[Kind]] = {
    P.REVIEW_CONTENT: frozenset({Kind.OPERATOR}),
    P.VIEW_CHANNELS: frozenset({Kind.OPERATOR}),
    P.MANAGE_CHANNELS: frozenset({Kind.OPERATOR}),
    P.VIEW_ACCOUNTS: frozenset({Kind.OPERATOR, Kind.AGENT}),
    P.MANAGE_ACCOUNTS: frozenset({Kind.OPERATOR, Kind.AGENT}),
    P.TRANSFER_CREDIT: frozenset({Kind.OPERATOR, Kind.AGENT}),
    P.MANAGE_BRAND: frozenset({Kind.OPERATOR, Kind.AGENT}),
}

ANYWHERE = frozenset(Kind)


def may(role: str, permission: Permission, *, kind: str) -> bool:
    """Whether a member with `role` in an organisation of that `kind` has the permission."""
    return permission in MATRIX[Role(role)] and kind in ONLY_IN.get(permission, ANYWHERE)


def permissions_of(role: str, *, kind: str) -> frozenset[Permission]:
    return frozenset(permission for permission in MATRIX[Role(role)] if kind in ONLY_IN.get(permission, ANYWHERE))


#: Scopes an API key can carry, and the permission its maker needs to hand each out.
KEY_SCOPES: Mapping[str, Permission] = {
    "messages:send": P.SEND_MESSAGES,
    "messages:read": P.VIEW_MESSAGES,
    "campaigns:write": P.MANAGE_CAMPAIGNS,
    "templates:read": P.VIEW_CONTENT,
    "templates:write": P.MANAGE_CONTENT,
    "balance:read": P.VIEW_BILLING,
}


def may_grant(giver: str, role: str, *, kind: str) -> bool:
    """Whether a member with role `giver` may give or take `role`: owners any, others none that allows more than theirs."""
    if giver == Role.OWNER:
        return True
    return role != Role.OWNER and permissions_of(role, kind=kind) <= permissions_of(giver, kind=kind)


def roles_with(permission: Permission, *, kind: str) -> list[Role]:
    """The roles that have the permission in an organisation of that kind; none when it has no such thing at all."""
    return [role for role in Role if may(role, permission, kind=kind)]


def roles_in(kind: str) -> list[Role]:
    """The roles that make sense in an organisation of that kind: only the operator reviews."""
    return [role for role in Role if role != Role.REVIEWER or kind == Kind.OPERATOR]
