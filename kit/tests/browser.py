"""A browser of a test's own, onto the pages of the live server."""

import os

import pytest
from django.test import Client
from playwright.sync_api import Page, sync_playwright

#: What a module of such tests is marked with.
IN_A_BROWSER = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not os.environ.get("SIGNALBOX_CHROMIUM"), reason="no Chromium"),
]


class Browser:
    """Pages of one person, signed in as the client is; whatever they complain about fails the test.

    The database is not touched while it is open: Playwright runs an event loop.
    """

    def __init__(self, address: str, client: Client, width: int = 1280) -> None:
        self.address, self.cookies, self.width = address, client.cookies, width

    def __enter__(self) -> Page:
        self.playwright = sync_playwright().start()
        self.chromium = self.playwright.chromium.launch(
            executable_path=os.environ["SIGNALBOX_CHROMIUM"], args=["--no-sandbox"]
        )
        context = self.chromium.new_context(base_url=self.address, viewport={"width": self.width, "height": 900})
        context.add_cookies(
            [{"name": name, "value": morsel.value, "url": self.address} for name, morsel in self.cookies.items()]
        )
        page = context.new_page()
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if "Content Security" in line.text else None)
        return page

    def __exit__(self, *_) -> None:
        self.chromium.close()
        self.playwright.stop()
        assert self.errors == []
