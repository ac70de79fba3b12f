"""Browser windows onto a running house: whose they are, how they look, and what went wrong in them unseen."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect, sync_playwright

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
#: Two slow cores may be busy with much else.
PATIENCE = 60_000


@dataclass(frozen=True)
class Look:
    """How a window shows the console."""

    language: str = "en"
    theme: str = "light"
    width: int = 1440
    scripts: bool = True

    @property
    def height(self) -> int:
        return 900 if self.width > 600 else 844


@dataclass
class Window:
    """One person's browser, which notes whatever a page complains about."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{self.page.url}: {message.text}")

    def note_answer(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{self.page.url}: {response.url} answered {response.status}")

    def watch(self) -> None:
        expect.set_options(timeout=PATIENCE)
        self.context.set_default_timeout(PATIENCE)
        self.page.on("console", self.note)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))
        self.page.on("response", self.note_answer)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def window(browser: Browser, base_url: str, look: Look = Look(), *, person: "Person | None" = None) -> Iterator[Window]:
    """A fresh window, signed in as `person` if one is named."""
    context = browser.new_context(
        base_url=base_url,
        viewport={"width": look.width, "height": look.height},
        color_scheme=look.theme,
        java_script_enabled=look.scripts,
    )
    language = {"en": "en", "zh": "zh-hans"}[look.language]
    context.add_cookies([{"name": "django_language", "value": language, "url": base_url}])
    opened = Window(context, context.new_page())
    opened.watch()
    try:
        if person:
            sign_in(opened.page, person)
        yield opened
    finally:
        context.close()


@dataclass(frozen=True)
class Person:
    email: str
    password: str


def demo_person(var: Path, role: str) -> Person:
    """One of the people of the demo world, by the role `bin/up` prints."""
    accounts = json.loads((var / "demo-accounts.json").read_text())
    [account] = [one for one in accounts if one["role"] == role]
    return Person(account["email"], account["password"])


def sign_in(page: Page, person: Person) -> None:
    page.goto("/accounts/login/")
    page.locator("[name=login]").fill(person.email)
    page.locator("[name=password]").fill(person.password)
    page.locator("main form button.p, form button.p").first.click()
    page.wait_for_url("**/home/")
