"""The menu: one table of entries, narrowed to what the person's role may do and to pages that exist."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Membership
from accounts.rules.permissions import Kind, Permission
from messaging.content.queries import open_reviews

P = Permission


def waiting_reviews(membership: Membership) -> int:
    """How many reviews wait for this reviewer's team."""
    with membership.organisation.downline_scope():
        return open_reviews().count()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu.  `key` is the letter after G; `mobile` puts it in the phone's bar."""

    label: Any
    icon: str
    url_name: str
    permission: Permission
    key: str = ""
    short: Any = ""
    mobile: bool = False
    kinds: frozenset[Kind] = frozenset(Kind)
    count: Callable[[Membership], int] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    label: Any
    entries: tuple[Entry, ...]


SELLERS = frozenset({Kind.OPERATOR, Kind.AGENT})
SENDERS = frozenset({Kind.AGENT, Kind.CUSTOMER})
AGENTS = frozenset({Kind.AGENT})

GROUPS = (
    Group("", (Entry(_("Home"), "home", "site:home", P.VIEW_HOME, "h", mobile=True),)),
    Group(
        _("Operations"),
        (
            Entry(_("Channels"), "building-broadcast-tower", "messaging:channels", P.VIEW_CHANNELS, "l", mobile=True),
            Entry(
                _("Review queue"),
                "clipboard-check",
                "messaging:reviews",
                P.REVIEW_CONTENT,
                "r",
                short=pgettext_lazy("menu", "Review"),
                mobile=True,
                count=waiting_reviews,
            ),
        ),
    ),
    Group(
        _("Business"),
        (
            Entry(_("Accounts"), "sitemap", "agents:accounts", P.VIEW_ACCOUNTS, "o", mobile=True, kinds=SELLERS),
            Entry(_("Price lists"), "tags", "agents:prices", P.VIEW_ACCOUNTS, "p", kinds=SELLERS),
            Entry(_("Statement"), "report-analytics", "agents:statement", P.VIEW_ACCOUNTS, "s", kinds=AGENTS),
        ),
    ),
    Group(
        _("Send"),
        (
            Entry(
                _("Campaigns"), "speakerphone", "messaging:campaigns", P.VIEW_MESSAGES, "c", mobile=True, kinds=SENDERS
            ),
            Entry(_("Templates and senders"), "template", "messaging:templates", P.VIEW_CONTENT, "t", kinds=SENDERS),
        ),
    ),
    Group(
        _("Monitor"),
        (
            Entry(
                pgettext_lazy("menu", "Messages"),
                "messages",
                "messaging:messages",
                P.VIEW_MESSAGES,
                "m",
                mobile=True,
                kinds=SENDERS,
            ),
        ),
    ),
    Group(
        _("Build"),
        (
            Entry(_("API keys"), "key", "accounts:api_keys", P.MANAGE_API_KEYS, "k", kinds=SENDERS),
            Entry(_("Webhooks"), "webhook", "messaging:webhooks", P.MANAGE_WEBHOOKS, "w", kinds=SENDERS),
            Entry(_("API explorer"), "terminal-2", "site:explorer", P.MANAGE_API_KEYS, "e", kinds=SENDERS),
        ),
    ),
    Group(
        pgettext_lazy("menu", "Account"),
        (
            Entry(_("Billing"), "credit-card", "billing:overview", P.VIEW_BILLING, "b", kinds=SENDERS),
            Entry(_("Brand"), "palette", "agents:brand", P.MANAGE_BRAND, "d", kinds=SELLERS),
            Entry(_("Team"), "users", "accounts:team", P.VIEW_TEAM, "u"),
            Entry(_("Audit trail"), "history", "accounts:audit", P.VIEW_AUDIT, "a"),
            Entry(_("Settings"), "settings", "accounts:settings", P.MANAGE_SETTINGS, "g"),
        ),
    ),
)


def menu_for(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of entries this member may open, the one the request is on marked as active."""
    membership = request.membership
    if membership is None:
        return []
    active = active_entry(request)
    groups = []
    for group in GROUPS:
        items = [line for entry in group.entries if (line := line_for(entry, membership, active))]
        if items:
            groups.append({"label": group.label, "items": items})
    return groups


def line_for(entry: Entry, membership: Membership, active: str) -> dict[str, Any] | None:
    url = address(entry.url_name)
    if not url or membership.organisation.kind not in entry.kinds or not membership.may(entry.permission):
        return None
    return {
        "label": entry.label,
        "short": entry.short or entry.label,
        "url": url,
        "icon": entry.icon,
        "active": entry.url_name == active,
        "key": entry.key,
        "mobile": entry.mobile,
        "count": SimpleLazyObject(lambda: entry.count(membership)) if entry.count else None,
    }


def primary_action(request: HttpRequest) -> dict[str, Any] | None:
    """What this person comes to do most: the one filled button of the sidebar."""
    membership, url = request.membership, address("messaging:campaign_new")
    if membership is None or not url or membership.organisation.kind != Kind.CUSTOMER:
        return None
    if not membership.may(P.MANAGE_CAMPAIGNS) or membership.organisation.is_stopped:
        return None
    return {"label": _("New message"), "short": pgettext_lazy("menu", "Send"), "url": url, "icon": "send"}


def active_entry(request: HttpRequest) -> str:
    """The entry whose page this is, or whose address begins this page's."""
    names = [entry.url_name for group in GROUPS for entry in group.entries]
    found = {url: name for name in names if (url := address(name))}
    fitting = [url for url in found if request.path == url or request.path.startswith(url.rstrip("/") + "/")]
    return found[max(fitting, key=len)] if fitting else ""


def address(url_name: str, *args: Any) -> str:
    """The page's address; empty while there is no such page."""
    return _looked_up(url_name, args) if args else _known(url_name, get_urlconf(), get_script_prefix())


@cache
def _known(url_name: str, _urlconf: str | None, _prefix: str) -> str:
    """A menu asks for the same thirty addresses with every page."""
    return _looked_up(url_name, ())


def _looked_up(url_name: str, args: tuple[Any, ...]) -> str:
    try:
        return reverse(url_name, args=args)
    except NoReverseMatch:
        return ""
