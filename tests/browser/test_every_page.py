"""Every page that links lead to, for everybody, light and dark, English and Chinese, desktop and phone."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.windows import DESKTOP, PHONE, Look, Window

pytestmark = [pytest.mark.browser, pytest.mark.whole_house]

LOOKS = pytest.mark.parametrize(
    "look",
    [Look(), Look(language="zh", theme="dark", is_phone=True)],
    ids=["english-light-desktop", "chinese-dark-phone"],
)
VISITORS = ("/", "/docs/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/no-such-page/")
#: An address says which page it is once its ids are taken out.
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
NO_PAGES = re.compile(r"\.(csv|json)$|^/static/|^/api/|^/dev/|/logo$")
#: The same for everybody: seen once, as the customer.
EVERYBODYS = re.compile(r"^/(accounts|docs|profile)/|^/$")
NONE = re.compile(r"(?!)")

TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return "";
  const wide = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > width + 1);
  return wide.slice(0, 3).map((one) => `${one.tagName.toLowerCase()}.${one.className}`).join(", ") || "the page";
}"""
LINKS = """() => [...document.querySelectorAll("a[href]")].map((link) => link.href)"""
UNFINISHED = re.compile(r"\{\{|\{%|%\(")


@dataclass
class Walk:
    """A walk along links to one page of each kind, which notes what is wrong with each."""

    window: Window
    origin: str
    leave_out: re.Pattern = NONE
    seen: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def from_(self, *addresses: str, steps: int) -> list[str]:
        """Visit these pages and what they lead to in so many steps; all that is wrong."""
        waiting = [address for address in addresses if self.is_new(address)]
        for step in range(steps + 1):
            found = []
            for address in waiting:
                self.problems += problems_of(self.window.page, address)
                found += self.links() if step < steps else []
            waiting = [address for address in found if self.is_new(address)]
        return self.problems + [line for line in self.window.complaints if "/no-such-page/" not in line]

    def links(self) -> list[str]:
        found = [urlsplit(link) for link in self.window.page.evaluate(LINKS)]
        return [link.path for link in found if f"{link.scheme}://{link.netloc}" == self.origin]

    def is_new(self, address: str) -> bool:
        kind = ID.sub("<id>", address)
        if kind in self.seen or NO_PAGES.search(address) or self.leave_out.search(address):
            return False
        self.seen.add(kind)
        return True


def problems_of(page: Page, address: str) -> list[str]:
    answer = page.goto(address)
    text = page.locator("body").inner_text()
    found = [
        f"answered {answer.status}" if answer.status != expected_status(address) else "",
        "" if page.title().strip(" ·") else "has no title",
        f"shows {match[0]}" if (match := UNFINISHED.search(text)) else "",
        *(overflow(page, size) for size in (PHONE, DESKTOP)),
    ]
    return [f"{address} {problem}" for problem in found if problem]


def overflow(page: Page, size: dict[str, int]) -> str:
    """What makes the page scroll sideways at this size."""
    before = page.viewport_size
    page.set_viewport_size(size)
    wide = page.evaluate(TOO_WIDE)
    page.set_viewport_size(before)
    return f"is too wide for {size['width']}: {wide}" if wide else ""


def expected_status(address: str) -> int:
    return 404 if address == "/no-such-page/" else 200


@LOOKS
@pytest.mark.parametrize("role", ["Operator", "Reviewer", "Support", "Agent"])
def test_every_page_of_a_role_is_sound(windows, address, role, look):
    with windows.open(role, look) as mine:
        walk = Walk(mine, address, leave_out=EVERYBODYS)

        problems = walk.from_("/home/", steps=3)

    assert problems == []
    assert len(walk.seen) > 2


@LOOKS
def test_every_page_of_the_customer_is_sound(windows, address, look):
    with windows.open("Customer", look) as customers:
        walk = Walk(customers, address)

        problems = walk.from_("/home/", steps=3)

    assert problems == []
    assert len(walk.seen) > 30


@LOOKS
def test_every_list_of_a_customer_without_anything_is_sound(windows, address, look):
    with windows.open("Other customer", look) as customers:
        walk = Walk(customers, address, leave_out=EVERYBODYS)

        problems = walk.from_("/home/", steps=1)

    assert problems == []


@LOOKS
def test_every_page_of_a_visitor_is_sound(windows, address, look):
    with windows.open(look=look) as visitors:
        problems = Walk(visitors, address).from_(*VISITORS, steps=1)

    assert problems == []
