"""The send wizard and the live page in a real browser."""

import pytest
from playwright.sync_api import expect

from accounts.rules.permissions import Role
from accounts.tests.factories import signed_in
from kit.tests.browser import IN_A_BROWSER, Browser
from messaging.campaigns.batches import accept_next_batch
from messaging.campaigns.tests.factories import SAMPLES, make_started, make_world

pytestmark = IN_A_BROWSER
BODY = "Hi {name}, your order {order} is on its way."


@pytest.mark.parametrize("width", [1280, 390])
def test_the_sample_goes_from_the_file_to_a_hundred_per_cent(live_server, width):
    world = make_world(funds="100.00", body=BODY)
    client = signed_in(world.customer, Role.SENDER)

    with Browser(live_server.url, client, width) as page:
        page.goto("/campaigns/new/")
        page.get_by_label("Country of numbers without a country code").select_option("CN")
        page.set_input_files("input[name=file]", SAMPLES / "recipients-gb18030.csv")
        expect(page.get_by_role("link", name="Continue with 426")).to_be_visible(timeout=20_000)
        expect(page.get_by_text("47 rows can't be used")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        page.get_by_role("link", name="Continue with 426").click()
        columns = page.locator(".value-row select")
        columns.nth(0).select_option("姓名")
        columns.nth(1).select_option("订单号")
        expect(page.get_by_text("18 rows: “name” is empty")).to_be_visible()
        page.locator(".value-row input").nth(0).fill("friend")
        page.locator(".value-row input").nth(0).blur()
        expect(page.get_by_text("Rows that would be left out")).to_have_count(0)
        expect(page.get_by_role("button", name="Next recipient")).to_be_visible()
        longest = page.locator(".bub").inner_text()
        page.get_by_role("button", name="Next recipient").click()
        expect(page.get_by_text("2 of 426")).to_be_visible()
        assert page.locator(".bub").inner_text() != longest
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        page.get_by_role("button", name="Continue to schedule").click()
        page.get_by_role("button", name="Continue to review").click()
        page.get_by_role("button", name="Send to 426").click()
        expect(page.locator(".big")).to_have_text("100%", timeout=30_000)
        expect(page.get_by_text("426 of 426 handed to carriers")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_dropped_file_is_sent_and_a_refused_one_is_explained(live_server):
    world = make_world()
    client = signed_in(world.customer, Role.SENDER)

    with Browser(live_server.url, client) as page:
        page.goto("/campaigns/new/")
        dropped = page.evaluate_handle(
            "() => { const data = new DataTransfer(); data.items.add(new File(['name\\nAda\\n'], 'dropped.csv')); return data }"
        )
        page.dispatch_event("[data-drop]", "drop", {"dataTransfer": dropped})
        expect(page.get_by_text("No column with phone numbers was found")).to_be_visible(timeout=20_000)
        expect(page.get_by_text("dropped.csv").first).to_be_visible()


def test_the_live_page_moves_by_itself_and_stopping_asks_first(live_server, no_bells):
    world = make_world()
    campaign = make_started(world, count=4)
    with world.customer.scope():
        accept_next_batch(campaign_id=campaign.pk)
    client = signed_in(world.customer, Role.SENDER)

    with Browser(live_server.url, client) as page:
        page.goto(f"/campaigns/{campaign.pk}/")
        expect(page.locator(".big")).to_have_text("0%")
        before = page.locator(".head-meta").inner_text()
        page.wait_for_function("before => document.querySelector('.head-meta').innerText !== before", arg=before)
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text("Paused").first).to_be_visible()
        page.get_by_role("button", name="Stop").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("their price goes back to your wallet")
        dialog.get_by_role("button", name="Stop campaign").click()
        expect(page.get_by_text("Cancelled").first).to_be_visible()
