"""The main job: a messy file becomes delivered messages, and everybody's money is where it belongs."""

import json
import re
from collections import Counter
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.windows import Windows
from tests.browser.wizard import CONTINUE, choose_message, send, upload
from tests.chaos.house import ROOT, House
from tests.chaos.judge import books

pytestmark = [pytest.mark.browser, pytest.mark.whole_house]

SAMPLES = ROOT / "docs" / "samples"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
TEMPLATE, SENDER = "订单发货通知", "【百灵零售】"
COLUMNS = {"姓名": "姓名", "订单号": "订单号"}
CENTS = Decimal("0.02")  # two amounts rounded for reading
SCRIPT = re.compile(r"/campaign[^/]*\.js")


@pytest.fixture
def customers(windows):
    with windows.open("Customer") as customers:
        yield customers


def test_a_campaign_of_a_messy_file_is_sent_once_and_paid_for_what_arrived(house, windows, customers):
    page = customers.page
    before, sent_before = balance(page), submits(house)

    upload(page, SAMPLES / "recipients-gb18030.csv")
    counts = numbers_of(page.locator("aside.who"))
    choose_message(page, template=TEMPLATE, sender=SENDER)
    columns = {name: page.locator(f"[name='column_{name}']").input_value() for name in COLUMNS}
    will_be_sent, cost = numbers_of(page.locator("#message-side"))["Will be sent"], amount(page, "Total")
    campaign = send(page)
    numbers = watch_to_the_end(page)
    spent, returned = (amount(page, label) for label in ("Spent on delivered", "Returned"))
    after = balance(page)

    assert counts == expected_counts()
    assert columns == COLUMNS
    assert numbers["Delivered"] + numbers["Failed"] == will_be_sent
    assert numbers["Left out"] == EXPECTED["valid"] - will_be_sent
    assert numbers["Failed"] > 0
    assert returned > 0
    assert abs(spent + returned - cost) <= CENTS
    assert abs(before - spent - after) <= CENTS
    expect(page.get_by_text("Returned for messages that did not arrive").first).to_be_visible()
    assert reached_the_carrier(house, campaign, submits(house) - sent_before) == {1: will_be_sent}
    assert all(earned > 0 for earned in earnings(windows))
    assert books(house) == []
    assert customers.complaints == []


def test_a_file_chosen_before_the_scripts_have_come_is_read_once(customers):
    page, held, sent = customers.page, [], []
    page.route(SCRIPT, lambda route: route.continue_() if held else held.append(route))
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)

    with page.expect_request(SCRIPT):
        page.goto("/campaigns/new/", wait_until="commit")
    page.locator("#id_file").set_input_files(SAMPLES / "recipients-gb18030.csv")
    held[0].continue_()
    page.get_by_role("link", name=CONTINUE).wait_for()
    page.go_back()

    expect(page.get_by_role("button", name="Upload and check")).to_be_visible()
    page.wait_for_load_state()
    assert len(sent) == 1
    assert customers.complaints == []


def expected_counts() -> dict[str, int]:
    names = {
        "CN": "China", "GB": "United Kingdom", "SG": "Singapore", "US": "United States", "DE": "Germany",
        "HK": "Hong Kong", "JE": "Jersey", "GG": "Guernsey",
    }  # fmt: skip
    countries = {names[code]: count for code, count in EXPECTED["by_country"].items()}
    wrong = {
        "Can't be used": EXPECTED["unusable"],
        "Duplicates": EXPECTED["duplicates"],
        "Blank rows": EXPECTED["blank"],
    }
    return {"Rows in file": EXPECTED["rows"], "Recipients": EXPECTED["valid"], **wrong, **countries}


def watch_to_the_end(page: Page) -> dict[str, int]:
    """Wait, touching nothing, until the live page says that all is done; its numbers then."""
    expect(page.locator(".meter-box")).to_contain_text("100%")
    expect(page.locator(".head-meta")).to_contain_text("ended")
    return numbers_of(page.locator(".meter-box"))


def numbers_of(box) -> dict[str, int]:
    """The labelled numbers of a list of terms."""
    pairs = box.locator("dl dt, dl dd, .sum > span").all_inner_texts()
    found = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return {
        label: int(text.replace(",", "").lstrip("−"))
        for label, text in found.items()
        if re.fullmatch(r"−?[\d,]+", text)
    }


def amount(page: Page, label: str) -> Decimal:
    """The money beside a label."""
    text = page.locator(f"main :text-is('{label}') + *").last.inner_text()
    return Decimal(text.strip("¥").replace(",", ""))


def balance(page: Page) -> Decimal:
    """What the wallet page says can be spent; nothing may be set aside."""
    page.goto("/billing/wallet/")
    said = page.locator(".page-head").inner_text()
    assert "¥0.00 set aside" in said
    return Decimal(re.search(r"¥([\d,.]+) to spend", said)[1].replace(",", ""))


def submits(house: House) -> Counter:
    """How many messages the carrier took for each number; those it refused were a definite no."""
    entries = map(json.loads, house.carrier_log.read_text().splitlines())
    taken = [entry for entry in entries if not entry["status"] and entry.get("part", {"number": 1})["number"] == 1]
    return Counter(f"+{entry['destination'].lstrip('+')}" for entry in taken)


def reached_the_carrier(house: House, campaign: str, taken: Counter) -> dict[int, int]:
    """How many of the campaign's numbers the carrier took how often."""
    numbers = [
        number for (number,) in house.rows("SELECT recipient FROM engine_message WHERE campaign_id = %s", [campaign])
    ]
    return dict(Counter(taken[number] for number in numbers))


def earnings(windows: Windows) -> list[Decimal]:
    """The agent's margin and commission on the demo customer, as the month's statement says."""
    with windows.open("Agent") as agents:
        agents.page.goto("/business/statement/")
        line = agents.page.locator("tr", has_text="Meadowlark Retail")
        cells = [line.locator(f"td[data-l='{label}']").inner_text() for label in ("Margin", "On messages")]
    return [Decimal(cell.strip("¥").replace(",", "")) for cell in cells]
