"""The project reads itself, so that what it promises about its own shape stays a fact."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from celery import Task
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.dispatch import Signal
from django.utils.module_loading import module_has_submodule

from portal.celery import app
from portal.queues import QUEUES

ROOT = Path(settings.BASE_DIR)
ROOMS = ("kit", "accounts", "billing", "messaging", "agents", "portal")
MOST_LINES = 450

#: Models that belong to no tenant, and why that is so.
HOUSE_MODELS = {
    "accounts.Organisation": "it is the tenant",
    "accounts.User": "people belong to no tenant; memberships say where they may do what",
    "agents.SumProgress": "up to when everybody's days are summed",
    "engine.Claim": "what a worker has in hand is of several organisations; the machine room's own",
    "engine.SweepProgress": "how far the house has looked through everybody's messages",
    "operations.HouseFact": "it is about the house",
    "payments.StripeEvent": "Stripe's inbox: whose it is, its purchase says",
    "site.Occurrence": "what the clock has rung for",
    "traffic.SumProgress": "up to when everybody's counts are summed",
}

#: Who may work across tenants: the stations behind the door, the ledger's and other rooms' tasks, and commands.
ACROSS_TENANTS = (
    "kit/tenancy/",  # where it is made
    "messaging/engine/",
    "messaging/channels/runtime.py",  # binds belong to the operator, and the worker holds them for everybody
    "messaging/channels/breakers.py",  # the same: workers leave a carrier in trouble alone for everybody
    "messaging/traffic/squash.py",
    "messaging/traffic/sums.py",
    "messaging/traffic/tasks.py",
    "messaging/hooks/tasks/",
    "messaging/hooks/retention.py",
    "messaging/campaigns/retention.py",
    "messaging/campaigns/tasks.py",
    "billing/ledger/",
    "billing/payments/tasks.py",
    "messaging/campaigns/recovery.py",
    "billing/packages/tasks.py",
    "agents/tasks.py",
    "agents/actions/accrual.py",
    "agents/sums.py",
    "portal/clock.py",
    "portal/operations/",  # what the house knows about itself, and what must be made good after a restore
    "portal/site/demo/",  # plants a whole world, from a command
    "management/commands/",
)

#: Where waiting is what is being tested.
MAY_SLEEP = ("tests/chaos/",)


def sources(*folders: str) -> Iterator[tuple[str, str]]:
    """Path from the root, and text, of our Python files."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def our_tasks() -> list[Task]:
    app.loader.import_default_modules()
    rooms = tuple(f"{room}." for room in ROOMS)
    return [task for name, task in sorted(app.tasks.items()) if name.startswith(rooms)]


# --- tenants


def test_every_model_names_its_organisation_or_says_why_it_has_none():
    ours = [model for model in apps.get_models() if model.__module__.startswith(ROOMS)]
    without = {model._meta.label for model in ours if not any(f.name == "organisation" for f in model._meta.fields)}

    assert without == set(HOUSE_MODELS)


def test_only_the_engine_its_tasks_and_commands_work_across_tenants():
    found = {path for path, text in sources(*ROOMS) if "as_engine" in text and "/tests/" not in path}

    strangers = {path for path in found if not any(allowed in path for allowed in ACROSS_TENANTS)}
    assert not strangers, "go through a query that takes the organisation"


# --- tasks


@pytest.mark.parametrize("task", our_tasks(), ids=lambda task: task.name)
def test_a_task_is_acknowledged_late_and_has_its_limits(task):
    assert task.acks_late
    soft, hard = (
        task.soft_time_limit or app.conf.task_soft_time_limit,
        task.time_limit or app.conf.task_time_limit,
    )
    assert 0 < soft < hard


@pytest.mark.parametrize("task", our_tasks(), ids=lambda task: task.name)
def test_a_task_goes_to_a_queue_that_has_workers(task):
    queue = app.amqp.router.route({}, task.name)["queue"]

    assert queue.name in QUEUES


def test_what_is_rung_by_the_clock_exists():
    known = {task.name for task in our_tasks()}

    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= known


def test_nothing_is_sent_for_later():
    """A later try is a row with `due_at`: the broker may forget, the row does not."""
    late = re.compile(r"\b(eta|countdown)\s*=")

    assert [path for path, text in sources(*ROOMS) if late.search(text) and path != "portal/tests/test_house.py"] == []


# --- announcements


def announcements() -> Iterator[tuple[str, Signal]]:
    """What any room says it announces, by its name."""
    for room in apps.get_app_configs():
        if room.name.startswith(ROOMS) and module_has_submodule(room.module, "events"):
            for name, event in vars(import_module(f"{room.name}.events")).items():
                if isinstance(event, Signal):
                    yield f"{room.label}.{name}", event


def test_what_is_announced_is_heard():
    silent = [name for name, event in announcements() if not event.has_listeners()]

    assert dict(announcements()) and not silent, "nobody listens to these"


# --- components


def test_every_component_is_used():
    folder = ROOT / "templates" / "components"
    pages = [page.read_text("utf-8") for page in (ROOT / "templates").rglob("*.html")]
    texts = [*pages, *(text for _path, text in sources(*ROOMS))]

    components = [f"components/{component.name}" for component in sorted(folder.glob("*.html"))]

    assert [name for name in components if not any(f'"{name}"' in text for text in texts)] == []


# --- tests


def test_tests_do_not_sleep():
    in_tests = [(path, text) for path, text in sources(*ROOMS, "tests") if "tests/" in path]
    sleeping = [path for path, text in in_tests if any(name == "sleep" for name in called(text))]

    assert [path for path in sleeping if not path.startswith(MAY_SLEEP)] == []


def called(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", ""))


# --- documents and shape


def variables_read() -> set[str]:
    """Environment variables our settings, our launcher and our commands read."""
    read = re.compile(r'(?:environ(?:ment)?(?:\.get)?[\[(]|listed\()"([A-Z][A-Z_]+)"')
    of_shell = re.compile(r"\$\{([A-Z][A-Z_]+)")
    ours = [text for path, text in sources("portal") if "/tests/" not in path and not path.endswith("settings/test.py")]
    found = {name for text in ours for name in read.findall(text)}
    commands = [path.read_text() for path in (ROOT / "bin").iterdir() if path.suffix in ("", ".sh") and path.is_file()]
    return found | {name for text in commands for name in of_shell.findall(text)} - {"PATH"}


def test_every_environment_variable_is_documented():
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "docs" / "configuration.md").read_text("utf-8")))

    assert variables_read() - documented - {"PATH"} == set(), "tell operators about it in docs/configuration.md"


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_no_module_is_called_utils():
    assert [path for path, _ in sources(*ROOMS, "tests") if re.search(r"/(utils|helpers|misc)(/|\.py$)", path)] == []


def test_no_file_is_too_long_to_read():
    long = [path for path, text in sources(*ROOMS, "tests", "bench") if text.count("\n") > MOST_LINES]

    assert long == [], "look for the seam"
