from pathlib import Path

import pytest
from django.conf import settings

from accounts.rules.permissions import KEY_SCOPES, MATRIX, ONLY_IN, Kind, Permission, Role, may, may_grant, roles_with

PAGE = Path(settings.BASE_DIR) / "docs" / "permissions.md"


def matrix_as_text() -> str:
    """The table of docs/permissions.md."""
    lines = ["| Permission | " + " | ".join(Role) + " | only in |", "|" + "---|" * (len(Role) + 2)]
    for permission in Permission:
        cells = ["yes" if permission in MATRIX[role] else "" for role in Role]
        kinds = ", ".join(kind for kind in Kind if kind in ONLY_IN.get(permission, ()))
        lines.append(f"| `{permission}` | {' | '.join(cells)} | {kinds} |")
    return "\n".join(lines)


def scopes_as_text() -> str:
    return "\n".join(["| Scope | needs |", "|---|---|", *(f"| `{scope}` | `{p}` |" for scope, p in KEY_SCOPES.items())])


@pytest.mark.parametrize("table", [matrix_as_text, scopes_as_text])
def test_the_documented_matrix_is_the_one_the_code_reads(table):
    assert table() in PAGE.read_text(), f"docs/permissions.md needs this table:\n{table()}"


@pytest.mark.parametrize("role", Role)
def test_every_role_may_do_something_and_only_an_owner_everything(role):
    assert MATRIX[role]
    assert (MATRIX[role] == frozenset(Permission)) == (role == Role.OWNER)


@pytest.mark.parametrize("permission", Permission)
def test_somebody_may_grant_every_permission(permission):
    for kind in Kind:
        assert (kind in ONLY_IN.get(permission, Kind)) == bool(roles_with(permission, kind=kind))


@pytest.mark.parametrize(
    "_case, role, permission, kind, is_allowed",
    [
        ("a customer reviews nothing", "owner", Permission.REVIEW_CONTENT, "customer", False),
        ("a reviewer at the operator reviews", "reviewer", Permission.REVIEW_CONTENT, "operator", True),
        ("a sender does not pay", "sender", Permission.PAY, "customer", False),
        ("an agent's admin moves no money", "admin", Permission.TRANSFER_CREDIT, "agent", False),
    ],
)
def test_may(_case, role, permission, kind, is_allowed):
    assert may(role, permission, kind=kind) is is_allowed


@pytest.mark.parametrize("kind", Kind)
def test_nobody_but_owners_makes_owners(kind):
    assert [role for role in Role if may_grant(role, Role.OWNER, kind=kind)] == [Role.OWNER]
