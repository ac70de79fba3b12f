"""The explorer in a real browser, under the policy every page has: no inline script, no inline style, nobody else's server."""

from playwright.sync_api import expect

from kit.tests.browser import IN_A_BROWSER, Browser

pytestmark = IN_A_BROWSER


def test_the_explorer_shows_every_endpoint_under_our_own_policy(live_server, client):
    strangers = []
    with Browser(live_server.url, client) as page:
        page.on("request", lambda one: strangers.append(one.url) if is_elsewhere(one.url, live_server.url) else None)
        answer = page.goto("/api/v1/docs")
        expect(page.locator(".opblock").first).to_be_visible(timeout=20_000)
        send = page.locator("#operations-messages-send_messages")
        send.locator(".opblock-summary-control").click()
        expect(send.get_by_text("Idempotency-Key").first).to_be_visible()
        shown = page.locator(".opblock").count()

    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert shown >= 13
    assert strangers == []


def is_elsewhere(url: str, ours: str) -> bool:
    return not url.startswith((ours, "data:", "blob:"))
