"""The explorer in a real browser, under the policy every page has: no inline script, no inline style, nobody else's server."""

import os

import pytest
from playwright.sync_api import expect, sync_playwright

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not os.environ.get("SIGNALBOX_CHROMIUM"), reason="no Chromium"),
]


def test_the_explorer_shows_every_endpoint_under_our_own_policy(live_server, tmp_path):
    troubles, strangers = [], []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=os.environ["SIGNALBOX_CHROMIUM"], args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda line: troubles.append(line.text) if "Content Security" in line.text else None)
        page.on("request", lambda one: strangers.append(one.url) if is_elsewhere(one.url, live_server.url) else None)
        answer = page.goto(live_server.url + "/api/v1/docs")
        expect(page.locator(".opblock").first).to_be_visible(timeout=20_000)
        send = page.locator("#operations-messages-send_messages")
        send.locator(".opblock-summary-control").click()
        expect(send.get_by_text("Idempotency-Key").first).to_be_visible()
        if folder := os.environ.get("SHOTS"):
            page.screenshot(path=f"{folder}/explorer.png", full_page=False)
        shown = page.locator(".opblock").count()
        chromium.close()

    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert shown >= 13
    assert strangers == []
    assert troubles == []


def is_elsewhere(url: str, ours: str) -> bool:
    return not url.startswith((ours, "data:", "blob:"))
