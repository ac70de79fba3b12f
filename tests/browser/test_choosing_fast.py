"""The message step when answers take their time: what is shown belongs to the last choice, and nothing typed is lost."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.windows import Windows
from tests.browser.wizard import CONTINUE, choose, upload

pytestmark = [pytest.mark.browser, pytest.mark.whole_house]

#: Templates of the demo customer: what the longest message of each begins with, and the variables it takes.
MEMBERS_DAY, SHIPPED_TO, SHIPPED = "会员日", "Order shipped, by name", "Order shipped"
WORDS = {MEMBERS_DAY: "王佳，会员日", SHIPPED_TO: "Hello Amelia, your order A10", SHIPPED: "Your order A10"}
VARIABLES = {MEMBERS_DAY: ["姓名"], SHIPPED_TO: ["name", "order"], SHIPPED: ["order"]}
MEADOWLARK, SIGNATURE = "Meadowlark", "百灵零售"
SENDER_LABELS = {MEADOWLARK: "Meadowlark", SIGNATURE: "【百灵零售】"}
#: How many each template can be sent to: who has no value for one of its variables is left out.
REACHED = {MEMBERS_DAY: 3, SHIPPED_TO: 2, SHIPPED: 2}
PEOPLE = "\n".join(
    ["phone,姓名,name,order", "+447400123456,王佳,Amelia,A10", "+447400123457,李雷,Ben,", "+447400123458,孙,Cy,A3", ""]
)
QUESTION = re.compile(r"/message/\?")


class Answers:
    """What comes back to a page that asks: held back until it is let through."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.held: list[Route] = []
        self.are_late = True
        page.route(QUESTION, self.on_question)

    def on_question(self, route: Route) -> None:
        if self.are_late:
            self.held.append(route)
        else:
            route.continue_()

    def await_question(self) -> Any:
        """A block in which something is asked; it is under way when the block ends."""
        return self.page.expect_request(QUESTION)

    def let_through(self) -> None:
        """All that was held back arrives, the oldest last; whatever is asked from now on is answered at once."""
        self.are_late = False
        for route in reversed(self.held):
            route.continue_()
            if response := route.request.response():
                response.finished()


def in_a_hurry(page: Page, *steps: Callable[[], None]) -> None:
    """Each step is taken before the one before it was answered; then all answers come, the oldest last."""
    answers = Answers(page)
    for step in steps:
        with answers.await_question():
            step()
    answers.let_through()


@pytest.fixture
def page(windows: Windows, tmp_path: Path):
    """The message step for three people: a promotion under the signature."""
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, "utf-8")
    with windows.open("Customer") as customers:
        upload(customers.page, file)
        customers.page.get_by_role("link", name=CONTINUE).click()
        choose_sender(customers.page, SIGNATURE)
        choose_template(customers.page, MEMBERS_DAY)
        expect_all_of(customers.page, MEMBERS_DAY, SIGNATURE)
        yield customers.page
        assert customers.complaints == []


def test_a_sender_chosen_before_the_template_has_come_leaves_everything_of_both(page):
    in_a_hurry(page, lambda: choose_template(page, SHIPPED_TO), lambda: choose_sender(page, MEADOWLARK))

    expect_all_of(page, SHIPPED_TO, MEADOWLARK)


def test_a_template_chosen_before_the_sender_has_come_leaves_everything_of_both(page):
    in_a_hurry(page, lambda: choose_sender(page, MEADOWLARK), lambda: choose_template(page, SHIPPED_TO))

    expect_all_of(page, SHIPPED_TO, MEADOWLARK)


def test_of_two_templates_chosen_quickly_the_last_one_stays(page):
    in_a_hurry(page, lambda: choose_template(page, SHIPPED_TO), lambda: choose_template(page, SHIPPED))

    expect_all_of(page, SHIPPED, SIGNATURE)


def test_the_next_recipient_asked_for_before_a_choice_never_brings_the_old_choice_back(page):
    next_recipient = page.get_by_role("button", name="Next recipient")
    in_a_hurry(page, next_recipient.click, lambda: choose_sender(page, MEADOWLARK))

    expect_all_of(page, MEMBERS_DAY, MEADOWLARK)


def test_a_value_typed_while_a_preview_loads_stays_and_is_previewed(page):
    choose_template(page, SHIPPED)
    expect_all_of(page, SHIPPED, SIGNATURE)
    answers = Answers(page)
    with answers.await_question():
        choose_sender(page, MEADOWLARK)
    otherwise(page).fill("a very long parcel")
    answers.let_through()
    expect(page.locator("#message-side .hd")).to_contain_text(MEADOWLARK)
    otherwise(page).blur()

    expect(page.locator(".bub")).to_contain_text("Your order a very long parcel")
    expect(otherwise(page)).to_have_value("a very long parcel")
    expect_as_on_a_fresh_page(page)


def test_a_value_typed_while_the_template_changes_stays_where_the_new_one_has_it_too(page):
    choose_template(page, SHIPPED_TO)
    expect_all_of(page, SHIPPED_TO, SIGNATURE)
    answers = Answers(page)
    with answers.await_question():
        choose_template(page, SHIPPED)
    otherwise(page).fill("a very long parcel")
    answers.let_through()
    expect(page.locator(".value-row .var")).to_have_text(VARIABLES[SHIPPED])
    expect(otherwise(page)).to_be_focused()
    otherwise(page).blur()

    expect(page.locator(".bub")).to_contain_text("Your order a very long parcel")
    expect(otherwise(page)).to_have_value("a very long parcel")
    expect_as_on_a_fresh_page(page)


def test_a_name_typed_while_the_template_changes_stays(page):
    answers = Answers(page)
    with answers.await_question():
        choose_template(page, SHIPPED_TO)
    page.get_by_label("Campaign name").fill("Parcels of today")
    answers.let_through()
    expect_all_of(page, SHIPPED_TO, SIGNATURE)

    expect(page.get_by_label("Campaign name")).to_have_value("Parcels of today")


def choose_sender(page: Page, sender: str) -> None:
    choose(page.get_by_label("Sender"), SENDER_LABELS[sender])


def choose_template(page: Page, template: str) -> None:
    box = page.get_by_label("Template")
    box.select_option(value=box.locator("option", has_text=f"{template}, version").get_attribute("value"))


def otherwise(page: Page):
    """The text for whose order cell is empty."""
    return page.locator("[name='fixed_order']")


def expect_all_of(page: Page, template: str, sender: str) -> None:
    """Fields, preview, count and cost are those of this template from this sender."""
    expect(page.locator("#message-side .hd")).to_contain_text(sender)
    expect(page.locator(".bub")).to_contain_text(WORDS[template])
    expect(page.locator(".value-row .var")).to_have_text(VARIABLES[template])
    expect(page.locator("#message-total")).to_contain_text(f"{REACHED[template]} people")
    expect_as_on_a_fresh_page(page)


def expect_as_on_a_fresh_page(page: Page) -> None:
    """What is shown is what a page made for just these fields shows."""
    before = shown(page)
    with page.expect_navigation(url=QUESTION):
        page.get_by_role("button", name="Update preview").click()
    assert before == shown(page)


def shown(page: Page) -> dict[str, list[str]]:
    places = {
        "category": ".left .tag",
        "wording": "#wording",
        "problems": "#problems",
        "fields": "#id_version option:checked, #id_sender option:checked, .value-row",
        "preview": "#message-side .hd, #message-side .bub, #message-side .phone-line",
        "cost": "#message-side .panel, #message-total",
    }
    typed = page.locator(".value-row input, .value-row select").evaluate_all("boxes => boxes.map(box => box.value)")
    return {"typed": typed} | {place: page.locator(selector).all_inner_texts() for place, selector in places.items()}
