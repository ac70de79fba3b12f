"""What the documents say of the code is there: their links, and the files and names they put between backquotes."""

import re
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
ROOMS = ("kit", "accounts", "billing", "messaging", "agents", "portal")
#: All of them, and those that are about the code; the others are for whoever uses it.
PAGES = sorted(page for folder in (*ROOMS, "docs", "bench", "templates") for page in (ROOT / folder).rglob("*.md")) + [
    ROOT / "README.md"
]
OF_CODE = [page for page in PAGES if re.search(r"adr/|architecture|README", page.as_posix())]

SUFFIXES = {".py", ".html", ".sql"}
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w/]+\.(py|html|sql)")
#: Not what ends like a file the house writes or serves.
DOTTED = re.compile(r"(?!.*\.(json|css|js|log)$)[a-z_]\w\w+(\.\w+)+")
#: A class, or a function of more than one word: no English word looks like these.
NAME = re.compile(r"[A-Z][a-z]+([A-Z]\w+)+|[a-z]+(_[a-z]+)+")
#: Names of others: settings of PostgreSQL.
THEIRS = {"commit_delay"}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@cache
def sources() -> dict[str, str]:
    """Each file's path, with a slash before it, and its text; this one, which names what is not there, left out."""
    folders = (*ROOMS, "bench", "templates", "tests")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    return {f"/{name_of(path)}": path.read_text("utf-8") for path in paths if path != Path(__file__)}


@cache
def words() -> set[str]:
    return {word for text in sources().values() for word in re.findall(r"\w+", text)}


def is_there(code: str) -> bool:
    """Whether what looks like a file or a name of ours is one; anything else passes."""
    if FILE.fullmatch(code):
        return any(path.endswith(f"/{code}") for path in sources())
    if DOTTED.fullmatch(code):
        return is_within(*code.rpartition(".")[::2])
    return not NAME.fullmatch(code) or code in words() | THEIRS


def is_within(place: str, name: str) -> bool:
    """Whether a module, or something in a folder or module of that place, has the name."""
    folder = f"/{place.replace('.', '/')}"
    near = {path: text for path, text in sources().items() if path.endswith(f"{folder}.py") or f"{folder}/" in path}
    is_module = any(f"{folder}/{name}{end}" in path for path in near for end in (".py", "/"))
    return is_module or any(re.search(rf"\b{name}\b", text) for text in near.values())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    dead = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]

    assert dead == []


@pytest.mark.parametrize("page", OF_CODE, ids=name_of)
def test_what_a_document_names_is_in_the_code(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)

    assert [code for code in CODE.findall(text) if not is_there(code.removesuffix("()"))] == []


def test_every_table_is_in_the_glossary():
    glossary = (ROOT / "docs" / "glossary.md").read_text("utf-8").replace("-", " ")
    ours = {model.__name__ for model in apps.get_models() if model.__module__.split(".")[0] in ROOMS}

    missing = {name for name in ours if f"`{name}`" not in glossary and as_words(name) not in glossary.lower()}
    assert not missing, "say in a sentence what one row is"


def as_words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


@pytest.mark.parametrize(
    "code", ["engine/doors.py", "kit.money.dollars", "nowhere.money", "TransferOrder", "accept_message_now"]
)
def test_what_is_not_there_is_noticed(code):
    assert not is_there(code)
