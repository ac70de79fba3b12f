"""When an announcement is heard: after the commit, by everybody, or not at all."""

import pytest
from django.db import transaction
from django.dispatch import Signal

from kit.events import emit

pytestmark = pytest.mark.django_db


class Announcer:
    """An announcement and what was heard of it."""

    def __init__(self) -> None:
        self.event, self.heard = Signal(), []
        self.event.connect(self.listen)

    def listen(self, sender: type, *, id: int, **facts) -> None:
        self.heard.append((sender, id))

    def emit(self, id: int) -> None:
        emit(self.event, sender=Announcer, id=id)


@pytest.fixture
def announcer():
    return Announcer()


def test_an_announcement_is_heard_after_the_commit(announcer, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        announcer.emit(7)
        assert announcer.heard == []

    assert announcer.heard == [(Announcer, 7)]


def test_what_was_taken_back_is_not_announced(announcer, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(ArithmeticError), transaction.atomic():
        announcer.emit(7)
        raise ArithmeticError

    assert announcer.heard == []


def test_a_listener_that_fails_keeps_nobody_from_hearing(announcer, django_capture_on_commit_callbacks):
    def fail(**facts) -> None:
        raise ArithmeticError

    deaf = Signal()
    for event in (deaf, announcer.event):
        event.connect(fail)
    announcer.event.disconnect(announcer.listen)
    announcer.event.connect(announcer.listen)

    with django_capture_on_commit_callbacks(execute=True):
        emit(deaf, sender=Announcer, id=6)
        announcer.emit(7)

    assert announcer.heard == [(Announcer, 7)]
