"""The hosted pages: payment form, 3-D Secure question, and what is shown when there is nothing to pay."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from .cards import BY_KEY, CARDS

STYLE = Path(__file__).with_name("page.css").read_text()
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
#: No script, no frame, nothing from elsewhere: text that slipped through escaping could still do nothing.
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
)
WITHOUT_CENTS = {
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf",
}  # fmt: skip
SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "cny": "CN¥", "hkd": "HK$", "jpy": "¥", "sgd": "S$", "aud": "A$"}
FIELDS = (
    ("email", "Email", 'type="email" autocomplete="email" placeholder="you@example.com"'),
    ("number", "Card number", 'inputmode="numeric" autocomplete="off" placeholder="1234 1234 1234 1234" required'),
    ("exp", "Expiration", 'inputmode="numeric" autocomplete="off" placeholder="MM / YY" required'),
    ("cvc", "Security code", 'inputmode="numeric" autocomplete="off" placeholder="CVC" maxlength="4" required'),
    ("name", "Name on card", 'autocomplete="off"'),
)


def amount(minor: int, currency: str) -> str:
    """An amount in minor units as a buyer reads it: 20000 usd is `$200.00`."""
    number = f"{minor:,}" if currency in WITHOUT_CENTS else f"{minor // 100:,}.{minor % 100:02d}"
    return f"{SIGNS[currency]}{number}" if currency in SIGNS else f"{currency.upper()} {number}"


def payment_page(
    session: Mapping[str, Any], lines: list[dict[str, Any]], *, form: Mapping[str, str],
    problem: str = "", wrong_field: str = "",
) -> str:  # fmt: skip
    """The form that pays a session, with what was typed before and what was wrong with it."""
    total = escape(amount(session["amount_total"], session["currency"]))
    alert = f'<p class="alert" id="msg" role="alert">{escape(problem)}</p>' if problem and not wrong_field else ""
    fields = {
        name: _field(name, label, extra, form, problem if name == wrong_field else "") for name, label, extra in FIELDS
    }
    back = escape(session["cancel_url"] or "")
    leave = f'<p><a class="leave" href="{back}">Cancel and go back</a></p>' if back else ""
    return _page(
        f"Pay {total}",
        f"""<main><section aria-labelledby="due"><h1 id="due">Amount due</h1><p class="total">{total}</p>
<ul class="lines">{"".join(_line(line) for line in lines)}</ul>{leave}</section>
<section class="card" aria-labelledby="with"><h2 id="with">Pay with card</h2>{alert}
<form method="post" action="/c/pay/{session["id"]}" novalidate>{fields["email"]}{fields["number"]}
<div class="pair"><div>{fields["exp"]}</div><div>{fields["cvc"]}</div></div>{fields["name"]}
<button id="pay" type="submit">Pay {total}</button></form></section>{_test_cards(form)}</main>""",
    )


def challenge_page(session: Mapping[str, Any]) -> str:
    """The bank's question."""
    total = escape(amount(session["amount_total"], session["currency"]))
    return _page(
        "3-D Secure",
        f"""<main class="narrow"><section class="card" aria-labelledby="secure">
<h2 id="secure">3-D Secure test page</h2>
<p>The test bank wants to know whether it is you who pays <strong>{total}</strong>. Choose what the buyer does.</p>
<form method="post" action="/c/pay/{session["id"]}/challenge">
<button id="pass" name="answer" value="pass" type="submit">Complete authentication</button>
<button id="fail" name="answer" value="fail" type="submit" class="quiet">Fail authentication</button>
</form></section></main>""",
    )


def closed_page(session: Mapping[str, Any]) -> str:
    """What a session shows that cannot be paid any more."""
    if session["status"] == "complete":
        title, words, back = "You're all done here", "This session has been paid.", session["success_url"]
    else:
        title, words, back = "This page has expired", "Start again from the shop to pay.", session["cancel_url"]
    address = (back or "").replace("{CHECKOUT_SESSION_ID}", session["id"])
    link = f'<p><a href="{escape(address)}">Go back to the shop</a></p>' if address else ""
    body = f'<main class="narrow"><section class="card"><h2>{title}</h2><p>{words}</p>{link}</section></main>'
    return _page(title, body)


def plain_page(title: str, words: str) -> str:
    """A page that only says something."""
    body = f'<main class="narrow"><section class="card"><h2>{escape(title)}</h2><p>{escape(words)}</p></section></main>'
    return _page(escape(title), body)


def prefilled(key: str) -> dict[str, str]:
    """The form filled in with one of the test cards."""
    card = BY_KEY.get(key)
    return {"number": card.spaced, "exp": "12 / 34", "cvc": "123", "name": "Test Buyer"} if card else {}


def _field(name: str, label: str, extra: str, form: Mapping[str, str], problem: str) -> str:
    value = "" if name == "cvc" and problem else escape(form.get(name, "")[:200])
    marks = ' aria-invalid="true" aria-describedby="msg" autofocus' if problem else ""
    words = f'<p class="wrong" id="msg" role="alert">{escape(problem)}</p>' if problem else ""
    return f'<label for="{name}">{label}</label><input id="{name}" name="{name}" value="{value}" {extra}{marks}>{words}'


def _line(line: Mapping[str, Any]) -> str:
    quantity = f" <small>× {line['quantity']}</small>" if line["quantity"] > 1 else ""
    total = escape(amount(line["amount_total"], line["currency"]))
    return f"<li><span>{escape(line['description'])}{quantity}</span><span>{total}</span></li>"


def _test_cards(form: Mapping[str, str]) -> str:
    rows = "".join(
        f"<tr><td>{card.spaced}</td><td>{card.does}</td>"
        f'<td><a href="?card={card.key}" aria-label="Use {card.spaced}">Use</a></td></tr>'
        for card in CARDS
    )
    return f"""<details{"" if form.get("number") else " open"}><summary>Test cards</summary>
<table class="tests"><tbody>{rows}</tbody></table>
<p class="hint">Any future date, any three digits. Other numbers are refused and kept nowhere.</p></details>"""


def _page(title: str, body: str) -> str:
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} · Sandbox</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>
<div class="band" role="note"><strong>TEST MODE</strong> · This is the sandbox: no bank is asked, no money moves.</div>
{body}</body></html>"""
