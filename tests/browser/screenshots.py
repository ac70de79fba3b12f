"""README's pictures, taken in a running house: `bin/screenshots`."""

import csv
import os
import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from portal.stack.chromium import find_chromium
from portal.stack.console import Console
from portal.stack.demo.play import running_house
from portal.stack.errors import StackError
from portal.stack.layout import HOUSE
from tests.browser.windows import Windows, chromium
from tests.browser.wizard import choose_message, send, upload

FOLDER = HOUSE / "docs" / "screenshots"
RECIPIENTS = 12_480
#: Neither begun nor done.
UNDER_WAY = re.compile(r"\b[3-9]\d%")
NAMES = ("Amelia Green", "Noah Patel", "王佳", "Freya Olsen", "李明", "Jonas Weber", "Priya Nair", "Hugo Laurent")


def main() -> int:
    console = Console()
    try:
        running = running_house(os.environ)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    path = find_chromium(console)
    if not path:
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with chromium(path) as browser:
        take_all(Windows(browser, running.base_url, running.var))
    return 0


def take_all(windows: Windows) -> None:
    with windows.open("Customer") as customers:
        page = customers.page
        picture_of_campaign(page)
        page.goto("/messages/")
        page.locator("tbody tr a").first.click()
        take(page, "message")
        page.goto("/home/")
        take(page, "home")
        page.goto("/billing/packages/")
        take(page, "packages")
    with windows.open("Reviewer") as reviewers:
        reviewers.page.goto("/reviews/")
        reviewers.page.get_by_role("link", name="Start reviewing").click()
        take(reviewers.page, "review")
    with windows.open("Agent") as agents:
        agents.page.goto("/business/accounts/")
        take(agents.page, "resellers")


def picture_of_campaign(page: Page) -> None:
    """Send one and take it while it runs; come back when it is done, so that the other pages have its numbers."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "November orders.csv"
        write_recipients(file)
        upload(page, file)
    choose_message(page, template="Order shipped, by name", sender="Meadowlark")
    send(page)
    expect(page.locator(".meter-box")).to_contain_text(UNDER_WAY)
    take(page, "campaign")
    expect(page.locator(".head-meta")).to_contain_text("ended", timeout=600_000)


def write_recipients(file: Path) -> None:
    """A shop's customers.  The numbers are made up; only the demo carrier ever sees them."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["name", "phone", "order"])
        for number in range(RECIPIENTS):
            table.writerow([NAMES[number % len(NAMES)], f"138{number * 7919 % 100_000_000:08d}", f"{88_000 + number}"])


def take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
