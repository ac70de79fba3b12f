"""The review queue by keyboard and the editor while typing, in a real browser."""

from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from accounts.tests.factories import make_customer, make_operator, sign_in, signed_in
from kit.tests.browser import IN_A_BROWSER, Browser
from messaging.content.models import Review
from messaging.content.tests.factories import make_reviewer, submitted_version

pytestmark = IN_A_BROWSER


def test_reviews_are_read_approved_and_rejected_by_keyboard(live_server):
    customer = make_customer()
    first, second, third = (submitted_version(customer, name=f"Item {number}") for number in (1, 2, 3))
    client = sign_in(Client(), make_reviewer(), make_operator())

    with Browser(live_server.url, client) as page:
        title = page.locator("#rv")
        page.goto(reverse("messaging:reviews"))
        page.keyboard.press("j")
        expect(title).to_have_text("Item 1")
        page.keyboard.press("j")
        expect(title).to_have_text("Item 2")
        page.keyboard.press("k")
        expect(title).to_have_text("Item 1")
        for ignored in ("Control+a", "Alt+a", "Meta+a"):
            page.keyboard.press(ignored)
        page.locator("#note").fill("a")
        page.locator("#note").press("a")
        page.locator("#rv").click()
        expect(title).to_have_text("Item 1")
        page.keyboard.press("r")
        expect(page.get_by_text("Choose at least one reason to reject.")).to_be_visible()
        page.keyboard.press("2")
        page.keyboard.press("5")
        expect(page.get_by_role("button", name="Reject with 2 reasons")).to_be_visible()
        page.keyboard.press("r")
        expect(title).to_have_text("Item 2")
        page.keyboard.press("a")
        expect(title).to_have_text("Item 3")

    decided = [Review.objects.get(pk=one.pk) for one in (first, second, third)]
    assert [(one.decision, one.reasons) for one in decided] == [
        ("rejected", ["prize", "link"]),
        ("approved", []),
        ("", []),
    ]


def test_single_keys_can_be_switched_off(live_server):
    review = submitted_version(make_customer())
    client = sign_in(Client(), make_reviewer(), make_operator())

    with Browser(live_server.url, client) as page:
        page.goto(reverse("messaging:review", args=[review.pk]))
        page.keyboard.press("?")
        page.get_by_label("Single-key shortcuts").uncheck()
        page.keyboard.press("Escape")
        page.keyboard.press("a")
        page.wait_for_timeout(300)
        expect(page.locator("#rv")).to_be_visible()

    review.refresh_from_db()
    assert review.decision == ""


def test_on_a_phone_one_item_is_shown_and_nothing_is_wider_than_the_screen(live_server):
    review = submitted_version(make_customer(), body="A long word: " + "x" * 120)
    client = sign_in(Client(), make_reviewer(), make_operator())

    with Browser(live_server.url, client, width=390) as page:
        for address in (reverse("messaging:reviews"), reverse("messaging:review", args=[review.pk])):
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
        expect(page.get_by_role("button", name="Approve")).to_be_in_viewport()
        expect(page.locator(".q-list")).to_be_hidden()


def test_the_editor_counts_finds_variables_and_replaces_while_typing(live_server):
    client = signed_in(make_customer())

    with Browser(live_server.url, client) as page:
        page.goto(reverse("messaging:template_new"))
        page.get_by_label("Text", exact=True).press_sequentially("We’ve moved to {street}")
        expect(page.locator("#live")).to_contain_text("“’” makes this Unicode")
        expect(page.locator("#variables")).to_contain_text("street")
        page.get_by_label("Example").fill("High Street")
        expect(page.locator("#preview .phone")).to_contain_text("moved to High Street")
        page.get_by_role("button", name="Opt-out").click()
        expect(page.locator("#preview .phone")).to_contain_text("Reply STOP to opt out")
        expect(page.get_by_label("Example")).to_have_value("High Street")
        page.get_by_role("button", name="Replace").click()
        expect(page.get_by_label("Text", exact=True)).to_have_value("We've moved to {street} Reply STOP to opt out")
        expect(page.locator("#live")).to_contain_text("GSM")
