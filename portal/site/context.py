"""What every page's shell shows.  Each part is read only when a template asks for it, once a request."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import Membership, Organisation
from accounts.models.access import RoleChoices
from accounts.rules.permissions import Kind, Permission
from agents.queries import brand_for_host
from billing.ledger.queries import Wallet, wallet_of
from kit import tenancy

from .brands import host_of
from .navigation import address, menu_for, primary_action


def shell(request: HttpRequest) -> dict[str, Any]:
    """The variables templates/components/README.md names."""
    if not hasattr(request, "shell"):
        request.shell = shell_of(request)
    return request.shell


def shell_of(request: HttpRequest) -> dict[str, Any]:
    membership = getattr(request, "membership", None)
    parts = {
        "brand": lazily(lambda: brand_for_host(host_of(request))),
        "api_base": request.build_absolute_uri("/").rstrip("/"),
        "docs_url": address("site:docs"),
        "help_url": address("site:docs"),
        "explorer_url": address("site:explorer"),
        "console_url": address("site:home"),
    }
    if membership is None:
        return parts
    return parts | {
        "organisation": membership.organisation,
        "organisations": lazily(lambda: choices_of(request.user)),
        "role_label": role_label(membership),
        "navigation": lazily(lambda: menu_for(request)),
        "primary_action": primary_action(request),
        "wallet": lazily(lambda: wallet_line(membership)),
    }


def lazily(read: Callable[[], Any]) -> SimpleLazyObject:
    return SimpleLazyObject(read)


def role_label(membership: Membership) -> str:
    """Customers see their role; a reseller or the operator is named as such too."""
    role = RoleChoices(membership.role).label
    if membership.organisation.kind == Kind.CUSTOMER:
        return str(role)
    return f"{Organisation.Kind(membership.organisation.kind).label} · {role}"


def choices_of(user) -> list[dict[str, Any]]:
    """The organisations the person may switch to, by name; without a query for people who have one."""
    scope = tenancy.current_scope()
    if scope is None or len(scope.memberships) < 2:
        return []
    rows = Membership.objects.filter(user=user).select_related("organisation")
    found = [
        {"id": row.organisation_id, "name": row.organisation.name, "role": RoleChoices(row.role).label} for row in rows
    ]
    return sorted(found, key=lambda choice: choice["name"])


def wallet_line(membership: Membership) -> dict[str, Any] | None:
    """The balance in the top bar, for whoever may see money; the operator sells and has none."""
    if (
        not address("billing:wallet")
        or membership.organisation.kind == Kind.OPERATOR
        or not membership.may(Permission.VIEW_BILLING)
    ):
        return None
    return line_of(wallet_of(membership.organisation))


def line_of(purse: Wallet) -> dict[str, Any]:
    """The balance as the top bar shows it, for pages that have read the wallet themselves."""
    return {"balance_micros": purse.balance, "currency": purse.currency, "url": address("billing:wallet")}
