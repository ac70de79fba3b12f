"""Browser windows onto a running house: whose they are, how they look, and what went wrong in them unseen."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect, sync_playwright

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
#: Milliseconds for anything to happen: two slow cores may be busy with much else.
PATIENCE = 60_000
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
#: What htmx says of a question that a newer one replaced, which is no mistake.
REPLACED = ("htmx:afterRequest", "htmx:sendAbort")
LANGUAGE_COOKIES = {"en": "en", "zh": "zh-hans"}


@dataclass(frozen=True)
class Person:
    email: str
    password: str


@dataclass(frozen=True)
class Look:
    """How a window shows the console."""

    language: str = "en"
    theme: str = "light"
    is_phone: bool = False
    scripts: bool = True

    @property
    def options(self) -> dict[str, Any]:
        size = PHONE if self.is_phone else DESKTOP
        return {"viewport": size, "color_scheme": self.theme, "java_script_enabled": self.scripts}


@dataclass
class Window:
    """One person's browser window, which notes whatever its pages complain about."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.context.set_default_timeout(PATIENCE)
        self.page.on("console", self.note_message)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))
        self.page.on("response", self.note_answer)

    def note_message(self, message: ConsoleMessage) -> None:
        """Errors of scripts, and what the content security policy refused."""
        if message.type == "error" and not message.text.startswith(REPLACED):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def note_answer(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{self.page.url}: {response.url} answered {response.status}")


@dataclass
class Windows:
    """Opens windows onto one house; who signed in once need not do it again."""

    browser: Browser
    address: str
    var: Path
    sessions: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def open(self, role: str = "", look: Look = Look()) -> Iterator[Window]:
        """A fresh window; with a role, that demo person's, signed in."""
        if role and role not in self.sessions:
            self.sessions[role] = self.signed_in(self.person(role))
        context = self.browser.new_context(base_url=self.address, storage_state=self.sessions.get(role), **look.options)
        language = {"name": "django_language", "value": LANGUAGE_COOKIES[look.language], "url": self.address}
        context.add_cookies([language])
        opened = Window(context, context.new_page())
        opened.watch()
        try:
            yield opened
        finally:
            context.close()

    def person(self, role: str) -> Person:
        """One of the people of the demo world, by the role that `bin/up` prints."""
        accounts = json.loads((self.var / "demo-accounts.json").read_text())
        [account] = [one for one in accounts if one["role"] == role]
        return Person(account["email"], account["password"])

    def signed_in(self, person: Person) -> Any:
        with self.open() as window:
            sign_in(window.page, person)
            return window.context.storage_state()


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


def sign_in(page: Page, person: Person) -> None:
    page.goto("/accounts/login/")
    page.locator("[name=login]").fill(person.email)
    page.locator("[name=password]").fill(person.password)
    page.locator("form button.p").click()
    page.wait_for_url("**/home/")
