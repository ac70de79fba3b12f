"""A stranger becomes a customer: signs up, has wording approved, pays with a card, and sends with curl."""

import json
import subprocess

import pytest
from playwright.sync_api import Page, expect

from tests.browser.windows import Person, sign_in
from tests.chaos.house import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.whole_house]

OWNER = Person("tilda@swiftpost.example", "a-long-enough-pass-phrase")
ORGANISATION, SENDER, TEMPLATE = "Swift Post", "Swift邮递", "Parcel on its way"
#: More than 70 characters: two segments.
WORDING = (
    "{name}，您好！您的包裹 {parcel} 已发出，预计明天送达。如有疑问请致电客服或回复本短信。"
    "感谢您选择我们的服务，祝您生活愉快！我们期待再次为您服务。"
)
PACKAGE, PACKAGE_SEGMENTS = "1,000", 1_000
#: The demo carrier always delivers to it, at once.
RECIPIENT = "+8617000000123"
DECLINED, GOOD = "4000 0000 0000 0002", "4242 4242 4242 4242"


@pytest.fixture
def owners(windows):
    with windows.open() as owners:
        yield owners


@pytest.fixture
def reviewers(windows):
    with windows.open("Reviewer") as reviewers:
        yield reviewers


def test_a_new_organisation_gets_from_sign_up_to_its_first_message(address, owners, reviewers):
    owner, reviewer = owners.page, reviewers.page

    sign_up(owner)
    confirm_by_mail(owner, address)
    register_sender(owner)
    submit_template(owner)
    for title in (SENDER, TEMPLATE):
        approve_by_keyboard(reviewer, title)
    reason = buy_package(owner)
    secret = make_live_key(owner)
    before = segments_left(owner)
    answer = send_with_curl(address, secret)
    wait_until(lambda: state_of(address, secret, answer) == "delivered", seconds=60, what="the message is delivered")

    assert "declined" in reason
    assert before == PACKAGE_SEGMENTS
    assert segments_left(owner) == before - answer["segments"]
    assert answer["segments"] == 2
    assert owners.complaints + reviewers.complaints == []


def sign_up(owner: Page) -> None:
    owner.goto("/")
    owner.locator("a[href*='signup']").first.click()
    owner.get_by_label("Organisation").fill(ORGANISATION)
    owner.get_by_label("Your name").fill("Tilda Swift")
    owner.locator("[name=email]").fill(OWNER.email)
    owner.get_by_label("Password", exact=True).fill(OWNER.password)
    owner.get_by_label("Country").select_option("CN")
    owner.get_by_role("button", name="Create an account").click()
    owner.wait_for_url("**/confirm-email/")


def confirm_by_mail(owner: Page, address: str) -> None:
    """Follow the link of the mail, as the mailbox of this machine shows it."""
    owner.goto("/dev/mail")
    letter = owner.locator("article", has_text=OWNER.email)
    letter.locator(f"a[href^='{address}/accounts/confirm-email/']").click()
    owner.get_by_role("button", name="Confirm").click()
    if "/login/" in owner.url:
        sign_in(owner, OWNER)


def register_sender(owner: Page) -> None:
    owner.goto("/templates/senders/new/")
    owner.get_by_label("Signature").check()
    owner.get_by_label("Name", exact=True).last.fill(SENDER)
    owner.get_by_label("What it is used for").fill("Parcels of our own shop")
    owner.get_by_role("button", name="Submit for review").click()
    expect(owner.get_by_role("heading", name=SENDER)).to_be_visible()


def submit_template(owner: Page) -> None:
    owner.goto("/templates/new/")
    owner.get_by_label("Name").first.fill(TEMPLATE)
    owner.get_by_label("Type").first.select_option("notice")
    owner.get_by_label("Text", exact=True).fill(WORDING)
    owner.locator("#var-example-name").fill("王佳")
    owner.locator("#var-example-parcel").fill("SP-20117")
    owner.get_by_role("button", name="Submit for review").click()
    expect(owner.get_by_role("heading", name=TEMPLATE)).to_be_visible()


def approve_by_keyboard(reviewer: Page, title: str) -> None:
    """Walk the queue with J until the item is open, then press A."""
    reviewer.goto("/home/")
    reviewer.keyboard.press("g")
    reviewer.keyboard.press("r")
    reviewer.wait_for_url("**/reviews/**")
    opened = reviewer.locator("#rv")
    while not (opened.count() and title in opened.inner_text()):
        with reviewer.expect_navigation():
            reviewer.keyboard.press("j")
    with reviewer.expect_navigation():
        reviewer.keyboard.press("a")


def buy_package(owner: Page) -> str:
    """Buy the smallest package with the second card tried; why the first was refused."""
    owner.goto("/billing/packages/")
    owner.locator("label", has_text=PACKAGE).locator("input[name=package]").check()
    expect(owner.locator("#order")).to_contain_text(PACKAGE)
    owner.get_by_role("button", name="Continue to payment").click()
    pay_with(owner, DECLINED)
    reason = owner.get_by_role("alert").inner_text()
    pay_with(owner, GOOD)
    owner.wait_for_url("**/billing/purchases/**")
    expect(owner.get_by_text("Your messages are ready")).to_be_visible()
    return reason


def pay_with(owner: Page, card: str) -> None:
    owner.get_by_label("Email").fill(OWNER.email)
    owner.get_by_label("Card number").fill(card)
    owner.get_by_label("Expiration").fill("12 / 34")
    owner.get_by_label("Security code").fill("123")
    owner.get_by_label("Name on card").fill("Tilda Swift")
    owner.get_by_role("button", name="Pay").click()


def make_live_key(owner: Page) -> str:
    owner.goto("/settings/api-keys/new/")
    owner.get_by_label("Name").first.fill("Shop")
    owner.get_by_label("Live").check()
    for scope in owner.locator("[name=scopes]").all():
        scope.check()
    owner.get_by_role("button", name="Create the key").click()
    return owner.locator("#secret").inner_text().strip()


def segments_left(owner: Page) -> int:
    """What the first package in use still holds, as the billing page says it."""
    owner.goto("/billing/")
    line = owner.locator("section[aria-labelledby=h-allowances] li").first.inner_text()
    return int(line.split(" of ")[0].split()[-1].replace(",", ""))


def send_with_curl(address: str, secret: str) -> dict:
    """The README's command with the new key; the first message of the answer."""
    body = {"to": RECIPIENT, "template": TEMPLATE, "sender": SENDER, "variables": {"name": "王佳", "parcel": "SP-1"}}
    answer = curl(
        f"{address}/api/v1/messages",
        secret,
        ["-H", "Idempotency-Key: parcel-1", "-H", "Content-Type: application/json", "-d", json.dumps(body)],
    )
    return answer["messages"][0]


def state_of(address: str, secret: str, message: dict) -> str:
    return curl(f"{address}/api/v1/messages/{message['id']}", secret)["status"]


def curl(url: str, secret: str, more: list[str] | None = None) -> dict:
    command = ["curl", "-sS", url, "-H", f"Authorization: Bearer {secret}", *(more or [])]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
