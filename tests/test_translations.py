"""Chinese is complete, in step with the pages, and what a reader of Chinese sees: no English left between it."""

import ast
import gettext
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils.translation.template import templatize

from accounts.models import User
from accounts.tests.factories import make_member, make_user, sign_in, signed_in
from messaging.engine.tests.factories import World, make_world

from .test_every_url import addresses, ids
from .url_expectations import EXPECTATIONS, House, Own

CATALOGUE = settings.BASE_DIR / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
HOW = "run bin/messages, translate what is new in locale/, and run it again"
ROOMS = ("accounts", "agents", "billing", "kit", "messaging", "portal", "templates")


# --- the catalogue


@dataclass(frozen=True)
class Entry:
    context: str
    text: str
    plural: str
    translation: str
    is_fuzzy: bool

    @property
    def key(self) -> str:
        return f"{self.context}\x04{self.text}" if self.context else self.text


@cache
def entries() -> list[Entry]:
    """What the .po file holds, its header and obsolete lines left out."""
    blocks = CATALOGUE.read_text(encoding="utf-8").split("\n\n")
    return [entry for block in blocks if (entry := entry_of(block)) and entry.text]


def entry_of(block: str) -> Entry | None:
    fields: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if started := re.match(r"(msg\w+)(?:\[0\])? (\".*)", line):
            name, line = started.groups()
        if line.startswith('"'):
            fields[name] = fields.get(name, "") + ast.literal_eval(line)
    if "msgid" not in fields:
        return None
    return Entry(
        fields.get("msgctxt", ""), fields["msgid"], fields.get("msgid_plural", ""), fields["msgstr"],
        bool(re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE)),
    )  # fmt: skip


def test_every_text_is_translated():
    assert not [entry.text for entry in entries() if not entry.translation or entry.is_fuzzy], HOW


def test_placeholders_are_the_same_in_both_languages():
    placeholder = re.compile(r"%\(\w+\)\d*[a-zA-Z]|%%|%[sd]|\{\w*\}|</?\w+")

    def differs(entry: Entry) -> bool:
        found = sorted(placeholder.findall(entry.translation))
        return found != sorted(placeholder.findall(entry.plural or entry.text))

    assert not [entry.text for entry in entries() if differs(entry)]


def test_translations_are_written_in_the_voice_of_the_house():
    """No exclamation marks, corner brackets for quotes, and space between Chinese and Latin letters or digits."""
    samples = re.compile(r"拒收请回复R|回T退订")
    careless = re.compile(r"[!！“”]|[一-鿿][A-Za-z0-9]|[A-Za-z0-9][一-鿿]|[一-鿿][,;:?.](?!\w)")
    written = {entry.text: re.sub(r"%\(\w+\)[sd]", "", samples.sub("", entry.translation)) for entry in entries()}

    assert not {text: said for text, said in written.items() if careless.search(said)}


def test_what_is_compiled_is_what_is_written():
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog
    compiled = {key[0] if isinstance(key, tuple) else key: text for key, text in compiled.items() if key}

    assert compiled == {entry.key: entry.translation for entry in entries()}, "run bin/messages"


def test_every_text_of_the_source_is_in_the_catalogue():
    known = {(entry.context, entry.text) for entry in entries()}

    assert not sorted({text for _context, text in texts() if (_context, text) not in known}), HOW


TAKES_CONTEXT = {"pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"}
TAKES_TEXT = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
CALL = re.compile(r"""\b(\w+)\(((?:\s*(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")\s*,?)+)""")


def texts() -> Iterator[tuple[str, str]]:
    """Context and text of everything in the rooms that is marked for translation."""
    for room in ROOMS:
        for path in (settings.BASE_DIR / room).rglob("*"):
            if "tests" not in path.parts and path.suffix == ".py":
                yield from texts_of_python(path.read_text(encoding="utf-8"))
            elif path.suffix in (".html", ".txt") and "{" in (source := path.read_text(encoding="utf-8")):
                yield from texts_of_template(source)


def texts_of_python(source: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            values = [one.value for one in node.args if isinstance(one, ast.Constant)]
            yield from marked(node.func.id, values)


def texts_of_template(source: str) -> Iterator[tuple[str, str]]:
    for name, values in CALL.findall(templatize(source)):
        yield from marked(name, ast.literal_eval(f"[{values}]"))


def marked(name: str, values: list) -> Iterator[tuple[str, str]]:
    if name in TAKES_CONTEXT and len(values) > 1:
        yield values[0], values[1]
    elif name in TAKES_TEXT and values and isinstance(values[0], str):
        yield "", values[0]


# --- the pages

#: What the tenants of the tests are called and write to people stays in the language it was written in.
DATA = re.compile(r"Operator|Simulator|.*(it is ready|your parcel is here)\.")
COMMON = re.compile(
    r"\b(the|is|are|was|it|its|to|of|and|or|you|your|no|not|this|that|with|for|can|be|in|on|an?)\b", re.I
)
NOT_PAGES = ("api:", "account_logout", "set_language")


class Reader(HTMLParser):
    """Reads what a person reads: text and spoken labels, but no code, no names of machines, no other language."""

    SPOKEN = ("aria-label", "title", "placeholder", "alt", "data-say")
    VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr", "path", "rect"})
    UNREAD = frozenset({"code", "pre", "script", "style", "kbd", "svg", "textarea"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.read: list[str] = []

    @property
    def is_unread(self) -> bool:
        return any(unread for _tag, unread in self.open)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        elsewhere = "lang" in attrs and tag != "html"
        unread = elsewhere or tag in self.UNREAD or "mono" in (attrs.get("class") or "").split()
        if not (unread or self.is_unread):
            self.read += [attrs[name] for name in self.SPOKEN if attrs.get(name)]
        if tag not in self.VOID:
            self.open.append((tag, unread))

    def handle_endtag(self, tag):
        while tag not in self.VOID and self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not self.is_unread and (text := " ".join(data.split())):
            self.read.append(text)


def english_on(page: str) -> list[str]:
    """Texts of a Chinese page that are one of ours in English, or an English sentence."""
    reader = Reader()
    reader.feed(page)
    ours = {entry.text for entry in entries() if entry.text != entry.translation and entry.text[:1].isupper()}
    return [text for text in reader.read if not DATA.fullmatch(text) and (text in ours or is_sentence(text))]


def is_sentence(text: str) -> bool:
    return not re.search("[一-鿿]", text) and len(COMMON.findall(text)) >= 2


def pages_of(client: Client, paths: dict[str, str]) -> Iterator[tuple[str, str]]:
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    client.raise_request_exception = False
    for name, path in paths.items():
        answer = client.get(path)
        if answer.status_code in (200, 403, 404) and answer.headers["Content-Type"].startswith("text/html"):
            yield name, answer.content.decode()


def english_at(client: Client, paths: dict[str, str]) -> dict[str, list[str]]:
    pages = dict(pages_of(client, paths))
    assert len(pages) >= min(len(paths), 8), "hardly a page was seen"
    return {name: found for name, page in pages.items() if (found := english_on(page))}


def plain_paths() -> dict[str, str]:
    """Every address that carries nothing."""
    found = {"nowhere": "/there/is/no/such/page/"}
    for name, _pattern in addresses():
        if not name.startswith(NOT_PAGES):
            try:
                found[name] = reverse(name)
            except NoReverseMatch:
                continue
    return found


def own_paths(world: World, actor: str) -> dict[str, str]:
    """Every address of a thing of the actor's own."""
    mine = {
        name
        for name, one in EXPECTATIONS.items()
        if (isinstance(one, House) and actor == "operator") or (isinstance(one, Own) and one.actor == actor)
    }
    return {name: reverse(name, kwargs=ids(name, world)) for name in sorted(mine) if not name.startswith(NOT_PAGES)}


@pytest.mark.django_db
def test_a_visitor_reads_no_english_on_chinese_pages():
    make_world()

    left = english_at(Client(), plain_paths())

    assert not left


@pytest.mark.django_db
@pytest.mark.parametrize("actor", ["customer", "agent", "operator"])
def test_who_works_here_reads_no_english_on_chinese_pages(actor):
    world = make_world()

    left = english_at(signed_in(getattr(world, actor)), plain_paths() | own_paths(world, actor))

    assert not left


def test_english_left_on_a_page_is_seen():
    """The sabotage twin: the reader has eyes."""
    page = """<p>未读 <b>Sign in</b></p><svg><path d="M0"/></svg><pre>It is the code.</pre>
        <button lang="en">English</button><p>You can do this in the settings.</p><i title="Status">状态</i>"""

    assert english_on(page) == ["Sign in", "You can do this in the settings.", "Status"]


# --- whose language


@pytest.mark.django_db
def test_a_visitor_keeps_the_language_they_switch_to():
    browser = Client()

    browser.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})

    assert 'lang="zh-hans"' in browser.get("/accounts/login/").content.decode()


@pytest.mark.django_db
def test_a_person_finds_the_language_they_switched_to_in_every_browser():
    user = make_user()
    organisation = make_member(make_world().customer, user=user).organisation

    sign_in(Client(), user, organisation).post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})
    elsewhere = sign_in(Client(), user, organisation)

    assert User.objects.get(pk=user.pk).locale == "zh-hans"
    assert 'lang="zh-hans"' in elsewhere.get("/profile/").content.decode()


@pytest.mark.django_db
def test_a_language_we_do_not_speak_changes_nothing():
    user = make_user()
    organisation = make_member(make_world().customer, user=user).organisation

    sign_in(Client(), user, organisation).post("/i18n/setlang/", {"language": "tlh", "next": "/"})

    assert User.objects.get(pk=user.pk).locale == "en"


@pytest.mark.django_db
def test_programs_are_answered_in_english_wherever_they_run():
    answer = Client().get("/api/v1/messages", headers={"Accept-Language": "zh-CN"})

    assert answer.json()["error"]["message"].isascii() or "sb_live_…" in answer.json()["error"]["message"]
    assert "Send your API key" in answer.json()["error"]["message"]
    assert answer.headers["Content-Language"] == "en"
