import pytest
from django.test import Client

from accounts.rules.permissions import Role
from accounts.tests.factories import signed_in
from messaging.campaigns.tests.factories import make_world


@pytest.fixture(autouse=True)
def uploads_of_our_own(settings, tmp_path):
    """Uploaded files go where the test ends."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}},
    }


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def client(world) -> Client:
    """Somebody who runs the campaigns of the world's customer."""
    return signed_in(world.customer, Role.SENDER)


@pytest.fixture
def bells(django_capture_on_commit_callbacks):
    """A block after which everything that was rung for has happened."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def no_bells(monkeypatch):
    """Nothing happens by itself, though tasks are eager here: the test moves the world."""
    for room in ("messaging.campaigns.receivers", "messaging.engine.receivers", "messaging.engine.dispatch.holding"):
        monkeypatch.setattr(f"{room}.ring", lambda *args: True)
