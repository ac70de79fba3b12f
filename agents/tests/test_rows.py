"""How an account looks in the tree."""

import pytest

from accounts.models import Organisation
from agents.folding import Row
from agents.queries import Account
from agents.rows import Rows
from kit.ids import uuid7
from kit.money import money


def row_of(
    *, sells_margin: bool = True, is_flat: bool = False, toggle: str = "", is_open: bool = False, **changes
) -> str:
    own = {name: changes.pop(name) for name in ("name", "is_stopped") if name in changes}
    organisation = Organisation(**{"id": uuid7(), "name": "Harbour", "kind": "customer", "currency": "GBP", **own})
    facts = {"level": 1, "seller_name": "Kestrel", "available": money("10.00"), "price": money("0.04")}
    account = Account(organisation, **{**facts, **changes})
    account.figures.revenue, account.figures.margin = money("8.00"), money("2.00")
    return Rows(sells_margin=sells_margin, is_flat=is_flat).html([Row(account, 1, is_open, toggle)])


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, '<td role="cell" class="n" data-l="Pays">£0.0400</td>'),
        ({}, '<td role="cell" class="n hide-m">—</td>\n<td role="cell" class="n" data-l="Segments">0</td>'),
        ({}, '<div>£2.00<div class="xs t3">25.0%</div></div>'),
        ({}, '<span class="ag-gap"></span>'),
        ({"list_name": "Usual"}, '<div class="xs t3">Customer · Usual</div>'),
        ({"level": 2, "list_name": "Usual"}, '<div class="xs t3">Customer · set by Kestrel</div>'),
        ({"level": 2}, "<div>£2.00</div>"),
        ({"toggle": "?toggled=1", "is_open": True}, 'aria-expanded="true" aria-label="Accounts below Harbour"'),
        ({"toggle": "?a&b"}, 'href="?a&amp;b" hx-get="?a&amp;b"'),
        ({"is_stopped": True}, '<span class="st bad">Stopped</span>'),
        ({"available": 0}, '<span class="st bad">No balance</span>'),
        ({"recent_spend": money("11.00")}, '<span class="st warn">Low balance</span>'),
        ({"name": "<b>&"}, ">&lt;b&gt;&amp;</a>"),
        ({"level": 2, "seller_name": "<b>"}, "set by &lt;b&gt;"),
        ({"list_name": "<b>"}, "Customer · &lt;b&gt;"),
        ({"name": '"><b>', "toggle": "?toggled=1"}, 'aria-label="Accounts below &quot;&gt;&lt;b&gt;">'),
    ],
)
def test_a_row_says_what_the_account_is(changes, shown):
    assert shown in row_of(**changes)


def test_revenue_is_that_of_direct_accounts_alone():
    assert "£8.00" in row_of(level=1)
    assert "£8.00" not in row_of(level=2)


def test_who_sells_nothing_sees_no_margins():
    row = row_of(sells_margin=False)

    assert "Your margin" not in row
    assert row.count("<td") == 5


def test_a_list_has_no_steps():
    assert "ag-gap" not in row_of(is_flat=True)
