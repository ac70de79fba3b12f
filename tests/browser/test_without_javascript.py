"""Every page works without JavaScript; it is only quicker with it."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_a_campaign import EXPECTED, SAMPLES
from tests.browser.windows import Look, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.whole_house]

PLAIN = Look(scripts=False)


@pytest.fixture
def page(windows):
    with windows.open("Customer", PLAIN) as customers:
        customers.page.goto("/home/")
        yield customers.page


def test_people_sign_in_and_out_without_javascript(windows):
    with windows.open(look=PLAIN) as plain:
        sign_in(plain.page, windows.person("Customer"))
        plain.page.locator("summary", has_text="account menu").click()
        plain.page.get_by_role("button", name="Sign out").click()
        plain.page.goto("/home/")

        expect(plain.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_lists_are_read_and_filtered_without_javascript(page):
    page.goto("/templates/")
    page.get_by_label("Name", exact=True).fill("code")
    page.get_by_role("button", name="Show").click()

    expect(page.get_by_role("link", name="Login code")).to_be_visible()
    expect(page.get_by_role("link", name="Order shipped")).to_have_count(0)


def test_messages_are_listed_without_javascript(page):
    page.get_by_role("link", name="Messages", exact=True).click()

    expect(page.get_by_role("heading", name="Messages", exact=True)).to_be_visible()


def test_a_file_is_uploaded_and_counted_without_javascript(page):
    page.get_by_role("link", name="New message").first.click()
    page.locator("#id_file").set_input_files(SAMPLES / "recipients-utf8-bom.csv")
    page.get_by_role("button", name="Upload and check").click()

    expect(page.get_by_role("link", name=f"Continue with {EXPECTED['valid']}")).to_be_visible()
    expect(page.locator("aside.who")).to_contain_text(str(EXPECTED["rows"]))
