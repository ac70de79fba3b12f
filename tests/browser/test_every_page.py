"""Every page that links lead to, for everybody, light and dark, English and Chinese, desktop and phone."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.windows import Look, Window, demo_person, window

pytestmark = [pytest.mark.browser, pytest.mark.whole_house]

ROLES = ("Operator", "Reviewer", "Support", "Agent", "Customer", "Other customer")
VISITOR_PAGES = ("/", "/docs/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/")
DESKTOP, PHONE = Look(), Look(language="zh", theme="dark", width=390)
LOOKS = pytest.mark.parametrize("look", [DESKTOP, PHONE], ids=["en-light-1440", "zh-dark-390"])

#: An address says which page it is once its ids are taken out.
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
NO_PAGES = re.compile(r"\.(csv|json)$|^/static/|^/api/|^/dev/|/logo$")

TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > width + 1)
    .slice(0, 3).map((one) => `${one.tagName.toLowerCase()}.${one.className}`);
}"""
LINKS = """() => [...document.querySelectorAll("a[href]")].map((link) => link.href)"""
UNTRANSLATED = re.compile(r"\{\{|\{%|%\(\w*\)?")


@dataclass
class Walk:
    """A walk along links, to one page of each kind."""

    window: Window
    origin: str
    seen: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def from_(self, *addresses: str) -> list[str]:
        """Visit these pages and all they lead to; what is wrong with them."""
        waiting = [address for address in addresses if self.is_new(address)]
        while waiting:
            address = waiting.pop(0)
            self.problems += problems_of(self.window.page, address)
            waiting += [link for link in self.links() if self.is_new(link)]
        return self.problems + self.window.complaints

    def links(self) -> list[str]:
        found = [urlsplit(link) for link in self.window.page.evaluate(LINKS)]
        return [link.path for link in found if f"{link.scheme}://{link.netloc}" == self.origin]

    def is_new(self, address: str) -> bool:
        kind = ID.sub("<id>", address)
        if kind in self.seen or NO_PAGES.search(address):
            return False
        self.seen.add(kind)
        return True


def problems_of(page: Page, address: str) -> list[str]:
    answer = page.goto(address)
    text = page.locator("body").inner_text()
    found = {
        f"answered {answer.status}": answer.status != 200,
        f"is too wide: {page.evaluate(TOO_WIDE)}": bool(page.evaluate(TOO_WIDE)),
        "has no title": not page.title().strip(" ·"),
        f"shows {UNTRANSLATED.findall(text)}": bool(UNTRANSLATED.search(text)),
    }
    return [f"{address} {problem}" for problem, is_so in found.items() if is_so]


@LOOKS
@pytest.mark.parametrize("role", ROLES)
def test_every_page_of_a_role_is_sound(house, address, browser, role, look):
    with window(browser, address, look, person=demo_person(house.var, role)) as mine:
        walk = Walk(mine, address)

        problems = walk.from_("/home/")

    assert problems == []
    assert len(walk.seen) > 5


@LOOKS
def test_every_page_of_a_visitor_is_sound(address, browser, look):
    with window(browser, address, look) as visitors:
        problems = Walk(visitors, address).from_(*VISITOR_PAGES)

    assert problems == []
