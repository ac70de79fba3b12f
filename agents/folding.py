"""Which rows of the tree are shown: what is folded, filtered, or listed flat, all of it in the address."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import QueryDict
from django.utils.translation import gettext as _

from .queries import Account, Downline

#: Trees up to this size are shown open.
OPEN_UP_TO = 60
A_PAGE = 100
DEEPEST_INDENT = 6


@dataclass(frozen=True, slots=True)
class Row:
    account: Account
    indent: int
    is_open: bool = False
    toggle: str = ""


def short(account: Account) -> str:
    """The random end of an id: enough to tell the accounts of one tree apart in an address."""
    return account.organisation.pk.hex[-12:]


class Folding:
    """The rows to show, and the links that change what is shown."""

    FILTERS = {"low": lambda one: one.is_low or one.is_empty, "stopped": lambda one: one.organisation.is_stopped}

    def __init__(self, tree: Downline, asked: QueryDict) -> None:
        self.tree = tree
        self.everyone = list(tree.walk())
        self.wanted = asked.get("q", "").strip()[:100]
        self.status = asked.get("status", "") if asked.get("status") in self.FILTERS else ""
        self.is_flat = asked.get("view") == "list" or bool(self.wanted or self.status)
        self.toggled = set(filter(None, asked.get("toggled", "").split(",")))
        self.starts_open = len(self.everyone) <= OPEN_UP_TO
        self.page = self._page(asked.get("page", 1)) if self.is_flat else None

    @property
    def rows(self) -> list[Row]:
        if self.page is not None:
            return [Row(account, 1) for account in self.page]
        return [row for root in self.tree.accounts for row in self._unfolded(root)]

    @property
    def count(self) -> int:
        return len(self.everyone)

    @property
    def views(self) -> list[dict]:
        return [
            {"label": _("Tree"), "url": "?", "active": not self.is_flat},
            {"label": _("List"), "url": "?view=list", "active": self.is_flat},
        ]

    @property
    def chips(self) -> list[dict]:
        labels = {"low": _("Low balance"), "stopped": _("Stopped")}
        return [
            {"label": label, "on": self.status == name, "url": self._url(status="" if self.status == name else name)}
            for name, label in labels.items()
        ]

    @property
    def previous_url(self) -> str:
        return self._url(page=self.page.previous_page_number()) if self.page.has_previous() else ""

    @property
    def next_url(self) -> str:
        return self._url(page=self.page.next_page_number()) if self.page.has_next() else ""

    def _page(self, number):
        chosen = [
            one
            for one in self.everyone
            if self.wanted.lower() in one.organisation.name.lower()
            and (not self.status or self.FILTERS[self.status](one))
        ]
        chosen.sort(key=lambda one: -one.figures.margin)
        return Paginator(chosen, A_PAGE).get_page(number)

    def _unfolded(self, account: Account) -> Iterator[Row]:
        is_open = (short(account) in self.toggled) != self.starts_open
        flipped = self.toggled ^ {short(account)}
        toggle = f"?{_query(toggled=','.join(sorted(flipped)))}" if account.children else ""
        yield Row(account, min(account.level, DEEPEST_INDENT), is_open, toggle)
        if is_open:
            for child in account.children:
                yield from self._unfolded(child)

    def _url(self, **changed) -> str:
        return "?" + _query(view="list", **{"q": self.wanted, "status": self.status, **changed})


def _query(**parameters) -> str:
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in parameters.items() if value})
    return query.urlencode(safe=",")
