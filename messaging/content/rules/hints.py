"""What a reviewer should look at twice.  Hints, not refusals: a person decides."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from .variables import Part, Text, VariableSpec, gettext_noop, parse

MESSAGES = {
    "missing_opt_out": gettext_noop("A promotion must say how to opt out, such as “Reply STOP” or “回T退订”."),
    "all_variables": gettext_noop("The text is nothing but variables: whoever sends it decides what it says."),
    "mostly_variables": gettext_noop("Most of the text is variables. Compare the examples with the purpose."),
    "link_in_notice": gettext_noop("A notice with a link: check that it is needed and leads to the sender's own site."),
    "link_in_verification": gettext_noop("A verification code needs no link. This is how phishing looks."),
    "variable_in_host": gettext_noop("A variable decides which site the link leads to."),
    "short_link": gettext_noop("A short link hides where it leads."),
    "absolute_claim": gettext_noop("An absolute claim, which advertising law restricts."),
}

#: Ways people are told how to stop promotions, in the languages we serve.
OPT_OUT = re.compile(
    r"退订|退訂|拒收|回[复覆]?\s?(td|t|n|0000)(?![a-z])|\bstop\b|\bunsubscribe\b|\bopt[ -]?out\b|\bquit\b",
    re.IGNORECASE | re.ASCII,
)
SHORTENERS = frozenset({
    "bit.ly", "buff.ly", "cutt.ly", "dwz.cn", "goo.gl", "is.gd", "ow.ly", "rb.gy", "rebrand.ly", "s.id", "shorturl.at",
    "suo.im", "suo.nz", "t.cn", "t.co", "t.ly", "tiny.cc", "tinyurl.com", "url.cn", "v.gd", "w.url.cn", "dwz.mk", "6du.in",
})  # fmt: skip
ABSOLUTE = re.compile(
    r"最(?![近后後终終晚迟遲多少新早初])|第一(?![时時次步批天个個章期位季代])|唯一|国家级|國家級|世界级|顶级|頂級|极品|極品|全网最低|独一无二|绝无仅有"
    r"|百分百|100\s?%|万无一失|稳赚|穩賺|保本|包过|包治|根治"
    r"|\bguarantee[ds]?\b|\brisk[ -]free\b|(?:\bno\.? ?|#)1\b|\bworld'?s (?:best|first|leading)\b|\bthe best\b"
    r"|\bonce in a lifetime\b|\b(?:cheapest|unbeatable)\b",
    re.IGNORECASE | re.ASCII,
)
#: An address with a scheme, or a host name by its last label; `\x00` stands for a variable.
LINK = re.compile(
    r"https?://[^\s<>【】“”，。；！？]+"
    r"|(?<![a-z0-9@.\x00-])(?:[a-z0-9\x00][a-z0-9\x00-]{0,62}\.){1,5}"
    r"(?:app|biz|cc|click|cn|co|com|gd|gg|gl|hk|id|im|in|info|io|link|ly|me|mobi|net|nz|online|org|shop|site|store|tk|top"
    r"|tw|uk|vip|xyz)(?![a-z0-9-])(?:[:/?#][^\s<>【】“”，。；！？]*)?",
    re.IGNORECASE,
)
#: Categories where a link is worth a look.
LINKS_IN: dict[str, Literal["warn", "info"]] = {"notice": "info", "verification": "warn"}
#: From this share of the text on, in characters, variables carry it.
MOSTLY = 0.6
_WORDING = re.compile(r"[^\W_]")
_BRACED = re.compile(r"\{\{|\}\}|\{\w+\}")


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing to look at.  `span` is where in the body it is, or nothing when it is about the whole of it."""

    code: str
    severity: Literal["warn", "info"]
    span: tuple[int, int] | None = None


def hints(body: str, category: str, specs: Sequence[VariableSpec] = ()) -> list[Hint]:
    """What stands out in a body of a category, whole-text hints first.  Raises BodyError when it is no template."""
    parts = parse(body)
    masked = _BRACED.sub(lambda found: found[0] if len(found[0]) == 2 else "\x00" * len(found[0]), body)
    return [
        *_about_opt_out(masked, category),
        *_about_variables(parts, specs),
        *_about_links(masked, category, specs),
        *(Hint("absolute_claim", "warn", found.span()) for found in ABSOLUTE.finditer(masked)),
    ]


def _about_opt_out(masked: str, category: str) -> Iterator[Hint]:
    if category == "promotion" and not OPT_OUT.search(masked):
        yield Hint("missing_opt_out", "warn")


def _about_variables(parts: Sequence[Part], specs: Sequence[VariableSpec]) -> Iterator[Hint]:
    wording = sum(len(_WORDING.findall(part.text)) for part in parts if isinstance(part, Text))
    lengths = {spec.name: max(1, len(str(spec.example))) for spec in specs}
    values = sum(lengths.get(part.name, 1) for part in parts if not isinstance(part, Text))
    if not values:
        return
    if not wording:
        yield Hint("all_variables", "warn")
    elif values / (values + wording) > MOSTLY:
        yield Hint("mostly_variables", "info")


def _about_links(masked: str, category: str, specs: Sequence[VariableSpec]) -> Iterator[Hint]:
    found = [link.span() for link in LINK.finditer(masked)]
    for start, end in found:
        host = _host(masked[start:end])
        if "\x00" in host:
            yield Hint("variable_in_host", "warn", (start, end))
        elif host.removeprefix("www.") in SHORTENERS:
            yield Hint("short_link", "warn", (start, end))
    severity = LINKS_IN.get(category)
    if severity:
        yield from (Hint(f"link_in_{category}", severity, span) for span in found)
        if not found and any(spec.type == "link" for spec in specs):
            yield Hint(f"link_in_{category}", severity)


def _host(link: str) -> str:
    return re.split(r"[/?#:]", link.lower().partition("://")[2] or link.lower(), maxsplit=1)[0].rpartition("@")[2]
