"""How a person gets from a file to a campaign under way."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

CONTINUE = re.compile("Continue with")
SEND = re.compile("Send to")


def upload(page: Page, file: Path) -> None:
    """Give the wizard a file and wait until it is read."""
    page.goto("/home/")
    page.get_by_role("link", name="New message").first.click()
    page.locator("#id_file").set_input_files(file)
    page.get_by_role("link", name=CONTINUE).wait_for()


def choose_message(page: Page, *, template: str, sender: str) -> None:
    """Choose wording and sender, and wait until their cost is known."""
    page.get_by_role("link", name=CONTINUE).click()
    choose(page.get_by_label("Template"), template)
    choose(page.get_by_label("Sender"), sender)
    expect(page.locator("#message-side")).to_contain_text(sender)
    expect(page.locator("#message-side")).to_contain_text("Will be sent")


def choose(box: Locator, text: str) -> None:
    """Take the first option that begins with this text, once the page has what it needs to notice."""
    box.page.wait_for_load_state()
    option = box.locator("option", has_text=re.compile(rf"^\s*{re.escape(text)}(,|\s*$)"))
    box.select_option(value=option.first.get_attribute("value"))


def send(page: Page) -> str:
    """Go through schedule and review and confirm; the campaign's id."""
    page.get_by_role("button", name="Continue to schedule").click()
    page.get_by_role("button", name="Continue to review").click()
    button = page.get_by_role("button", name=SEND)
    button.wait_for()
    if page.locator("[name=count]").count():
        page.locator("[name=count]").fill(button.inner_text().split()[-1])
    button.click()
    expect(page.locator(".meter-box")).to_be_visible()
    return page.url.rstrip("/").rsplit("/", 1)[-1]
