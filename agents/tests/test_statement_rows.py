"""How a month's lines look."""

from datetime import UTC, datetime

import pytest

from accounts.models import Organisation
from agents.queries import Line, Statement
from agents.rules.months import Month
from agents.statement_rows import StatementRows
from kit.ids import uuid7
from kit.money import money


def rows_of(*lines: Line, totals: list[Line] | None = None) -> StatementRows:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return StatementRows(Statement(Organisation(), Month(2026, 11), at, at, list(lines), totals or []))


def line(name: str = "Harbour", currency: str = "GBP", **figures: int) -> Line:
    return Line(uuid7(), name, currency, **figures)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, '">Harbour</a></td><td role="cell" class="n" data-l="Segments">0</td>'),
        ({"segments": 12_345}, '<td role="cell" class="n" data-l="Segments">12,345</td>'),
        ({"margin": money("2.00")}, '<td role="cell" class="n" data-l="Margin">£2.00</td>'),
        ({"on_traffic": money("3.00")}, '<td role="cell" class="n" data-l="On messages">£3.00</td>'),
        ({"on_packages": money("4.00")}, '<td role="cell" class="n" data-l="On packages">£4.00</td>'),
        ({"taken_back": -money("1.00")}, '<td role="cell" class="n" data-l="Taken back">−£1.00</td>'),
        ({"margin": money("2.00"), "on_packages": money("4.00")}, '<td role="cell" class="n b" data-l="Total">£6.00</td>'),
        ({"name": "<b>&"}, ">&lt;b&gt;&amp;</a>"),
        ({"name": ""}, '<span class="prime">An account that is no longer below you</span>'),
    ],
)  # fmt: skip
def test_a_line_says_what_an_account_brought(changes, shown):
    assert shown in rows_of(line(**changes)).lines


def test_totals_name_their_currency_where_there_are_several():
    one, other = line(), line(currency="EUR")

    assert '<td role="cell">All</td>' in rows_of(totals=[one]).totals
    assert '<td role="cell">All · GBP</td>' in rows_of(totals=[one, other]).totals
    assert '<td role="cell">All · EUR</td>' in rows_of(totals=[one, other]).totals
