"""Before Django: single messages go together, and nobody can tell from the answers."""

import io
import json
from time import monotonic

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import InterfaceError, OperationalError, connection
from django.http import StreamingHttpResponse
from psycopg.errors import AdminShutdown, ConnectionFailure, DeadlockDetected

from accounts.tests.factories import make_api_key
from billing.ledger.books import problems
from billing.ledger.models import Account, Transfer
from kit.limits import SECONDS_SAVED
from kit.money import money
from kit.tests.racing import race
from messaging.engine.models import IdempotencyRecord, Message
from messaging.engine.tests.factories import make_world
from portal import front as door
from portal.front import Front
from portal.operations.metrics import http

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nobody_answers")]
URL = "/api/v1/messages"


@pytest.fixture
def world():
    return make_world(template="Ready")


@pytest.fixture
def front():
    front = Front(WSGIHandler())
    yield front
    front.close()


@pytest.fixture
def seen(front, monkeypatch):
    """The requests Django was asked."""
    seen, django = [], front._django

    def ask(environ, start_response):
        seen.append(environ)
        return django(environ, start_response)

    monkeypatch.setattr(front, "_django", ask)
    return seen


class Asking:
    """A caller with a key, whose answers are (status, headers, JSON)."""

    def __init__(self, front, secret):
        self.front, self.secret = front, secret

    def __call__(self, body, *, method="POST", path=URL, **environ):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        said = {}
        answer = self.front(
            {
                "REQUEST_METHOD": method, "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json",
                "HTTP_AUTHORIZATION": f"Bearer {self.secret}", **environ,
            },
            lambda status, headers, *rest: said.update(status=status, headers=dict(headers)),
        )  # fmt: skip
        text = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return int(said["status"][:3]), said["headers"], json.loads(text)


@pytest.fixture
def ask(world, front):
    ask = Asking(front, make_api_key(world.customer)[1])
    assert ask(one("+447911000000"))[0] == 202  # the front has seen now what an answer looks like
    return ask


def one(to="+447911123456", **changes):
    return {"to": to, "template": "Ready", "variables": {"name": "Ada"}, **changes}


def test_a_single_message_is_answered_without_django_and_in_the_same_words(world, front, ask, seen):
    alone = Front(WSGIHandler())  # has seen no answer yet, and asks Django
    status, headers, body = Asking(alone, ask.secret)(one())
    alone.close()

    quick_status, quick_headers, quick_body = ask(one("+447911123457"))

    assert seen == []
    assert (quick_status, quick_headers) == (status, headers)
    assert quick_body.keys() == body.keys()
    assert quick_body["messages"][0].keys() == body["messages"][0].keys()
    assert Message.objects.filter(pk=quick_body["messages"][0]["id"], recipient="+447911123457").exists()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (one("nobody"), 422, "messages_refused"),
        (one(template="Nothing like it"), 404, "not_found"),
        (one(unknown=1), 422, "invalid"),
        (one(variables={}), 422, "messages_refused"),
        (b"{", 422, "invalid"),
        (b"", 422, "invalid"),
    ],
)
def test_what_is_refused_is_refused_as_ever(world, ask, seen, body, status, code):
    answered, _, said = ask(body)

    assert (answered, said["error"]["code"]) == (status, code)
    assert len(seen) == 1
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"HTTP_AUTHORIZATION": ""}, 401),
        ({"HTTP_AUTHORIZATION": "Bearer sb_live_nobody"}, 401),
        ({"HTTP_AUTHORIZATION": "Basic abc"}, 401),
        ({"CONTENT_LENGTH": ""}, 422),
    ],
)
def test_what_is_odd_about_a_request_is_for_django_to_say(world, ask, environ, status):
    assert ask(one(), **environ)[0] == status


def test_a_strange_host_is_refused(world, ask, settings):
    settings.ALLOWED_HOSTS = ["ours.test"]

    assert ask(one(), HTTP_HOST="evil.test")[0] == 400
    assert ask(one(), HTTP_HOST="ours.test")[0] == 202


def test_a_request_in_the_clear_is_not_answered_where_that_is_not_allowed(world, ask, seen, settings):
    settings.SECURE_SSL_REDIRECT = True

    ask(one())

    assert len(seen) == 1


def test_many_messages_and_large_ones_and_other_pages_go_to_django(world, ask, seen):
    ask({"template": "Ready", "messages": [{"to": f"+44791112345{n}", "variables": {"name": "Ada"}} for n in range(2)]})
    ask(one(variables={"name": "x" * 20_000}))
    ask(b"", method="GET", CONTENT_LENGTH="")
    ask(b"", method="GET", path="/healthz", CONTENT_LENGTH="")

    assert len(seen) == 4


def test_a_key_gives_the_same_answer_again_and_no_other_request_one(world, ask):
    first = ask(one(), HTTP_IDEMPOTENCY_KEY="order-1")
    again = ask(one(), HTTP_IDEMPOTENCY_KEY="order-1")
    other = ask(one("+447911123457"), HTTP_IDEMPOTENCY_KEY="order-1")

    assert (again[0], again[2]) == (202, first[2])
    assert (other[0], other[2]["error"]["code"]) == (422, "idempotency_key_reused")


def test_what_is_left_over_was_counted_once(world, ask, monkeypatch):
    counted = []
    monkeypatch.setattr("kit.limits.count", lambda caller, **what: counted.append(what))

    ask(one("nobody"))

    assert counted == [{"requests": 1, "messages": 1}]


def test_a_caller_cannot_say_that_it_was_counted(world, ask, monkeypatch):
    counted = []
    monkeypatch.setattr("kit.limits.count", lambda caller, **what: counted.append(what))

    ask(one("nobody", unknown=1), **{"HTTP_SIGNALBOX.COUNTED": "1", "HTTP_SIGNALBOX_COUNTED": "1"})

    assert len(counted) == 1


def test_without_a_database_it_says_when_to_come_again_and_stores_nothing(world, ask, monkeypatch):
    def broken(*args, **options):
        raise OperationalError("the connection was lost")

    monkeypatch.setattr("messaging.engine.api.together.accept_messages", broken)

    status, headers, body = ask(one())

    assert (status, body["error"]["code"]) == (503, "unavailable")
    assert headers["Retry-After"]
    assert Message.objects.count() == 1


def test_what_the_database_refused_together_is_asked_again_alone(world, ask, seen, monkeypatch):
    def deadlock(*args, **options):
        raise OperationalError("deadlock detected") from DeadlockDetected("deadlock detected")

    monkeypatch.setattr("messaging.engine.api.together.accept_messages", deadlock)

    assert ask(one())[0] == 202
    assert len(seen) == 1
    assert Message.objects.count() == 2


def test_what_is_asked_alone_after_a_group_took_as_long_as_both(world, ask, seen, monkeypatch):
    clock = Clock(monkeypatch)

    def in_vain(caller, singles):
        clock.now += 3
        return [None] * len(singles)

    monkeypatch.setattr(door, "accept_together", in_vain)
    before = seconds_of(202)

    assert ask(one())[0] == 202

    assert len(seen) == 1
    assert seconds_of(202) - before == pytest.approx(3)


def test_the_wait_for_a_thread_of_djangos_counts_too(world, front, ask, monkeypatch):
    clock, django = Clock(monkeypatch), front._room.submit

    def late(*asked):
        clock.now += 2
        return django(*asked)

    monkeypatch.setattr(front._room, "submit", late)
    before = seconds_of(422)

    assert ask({"to": "+447911123456"})[0] == 422

    assert seconds_of(422) - before == pytest.approx(2)


class Clock:
    """What the web times requests by: it stands still but for what is added."""

    def __init__(self, monkeypatch) -> None:
        self.now = 100.0
        for module in (door, http):
            monkeypatch.setattr(module, "perf_counter", lambda: self.now)


def seconds_of(status: int) -> float:
    """How long all requests to send took that were answered so."""
    samples = http.duration_of("api:messages", "POST", status)._child_samples()
    return next(sample.value for sample in samples if sample.name == "_sum")


@pytest.mark.parametrize("why", [OperationalError(), InterfaceError()])
@pytest.mark.parametrize("cause", [None, AdminShutdown("terminating connection"), ConnectionFailure("gone")])
def test_what_may_have_been_done_is_not_asked_again(world, ask, monkeypatch, why, cause):
    """The connection was lost: whether the commit went through nobody knows."""

    def lost(*args, **options):
        raise why from cause

    monkeypatch.setattr("messaging.engine.api.together.accept_messages", lost)

    status, _, body = ask(one())

    assert (status, body["error"]["code"]) == (503, "unavailable")
    assert Message.objects.count() == 1


def test_a_mistake_of_ours_is_a_500_without_its_words_and_sends_nothing(world, ask, monkeypatch):
    def wrong(*args, **options):
        raise RuntimeError("secret")

    for way in ("together", "sending"):
        monkeypatch.setattr(f"messaging.engine.api.{way}.accept_messages", wrong)

    status, _, body = ask(one())

    assert (status, body["error"]["code"]) == (500, "internal")
    assert "secret" not in json.dumps(body)
    assert Message.objects.count() == 1


def test_forty_at_once_share_transactions_and_each_has_its_own_message(world, front, ask):
    answers = race(lambda number: ask(one(f"+4479112000{number:02d}")), threads=40)

    assert {status for status, _, _ in answers} == {202}
    told = {body["messages"][0]["to"]: body["messages"][0]["id"] for _, _, body in answers}
    stored = {message.recipient: str(message.pk) for message in Message.objects.exclude(recipient="+447911000000")}
    assert told == stored
    assert len(stored) == 40
    holds = Transfer.objects.filter(reference__startswith="accept:").count()
    assert holds < 41, "every request had a transaction of its own"
    assert problems() == []


def test_at_once_no_more_are_sold_than_the_wallet_holds(world, front, ask):
    reaches = int(world.balance(Account.Kind.WALLET) // money("0.04"))
    threads = 16

    def attempt(number):
        return [ask(one(f"+4479{number:02d}{turn:06d}"))[0] for turn in range(reaches // threads + 2)]

    statuses = [status for answers in race(attempt, threads=threads) for status in answers]

    assert statuses.count(202) == reaches
    assert set(statuses) == {202, 402}
    assert world.balance(Account.Kind.WALLET) < money("0.04")
    assert problems() == []


def test_together_no_more_pass_than_the_callers_limit_holds(world, settings):
    settings.API_REQUESTS_PER_SECOND = 4
    front = Front(WSGIHandler())
    ask = Asking(front, make_api_key(world.customer)[1])
    ask(one("+447911000000"))
    began = monotonic()

    statuses = [status for status, _, _ in race(lambda number: ask(one(f"+4479112000{number:02d}")), threads=24)]
    front.close()

    refilled = (monotonic() - began) * 4
    assert statuses.count(202) <= 4 * SECONDS_SAVED + refilled
    assert set(statuses) == {202, 429}


def test_two_hundred_at_once_under_eight_keys_make_eight_messages(world, front, ask):
    def attempt(number):
        return [
            (key, ask(one(f"+44791112340{key}"), HTTP_IDEMPOTENCY_KEY=f"order-{key}")[2])
            for key in sorted(range(8), key=lambda key: (key * 7 + number) % 8)
        ]

    told = {(key, body["messages"][0]["id"]) for answers in race(attempt, threads=25) for key, body in answers}

    assert len(told) == IdempotencyRecord.objects.count() == 8
    assert Message.objects.count() == 9


def test_what_was_said_to_one_caller_is_not_said_to_the_next(world):
    def django(wsgi, start_response):
        start_response("202 Accepted", [("Set-Cookie", "session=theirs"), ("X-Frame-Options", "DENY")])
        return [b"{}"]

    front = Front(django)
    ask = Asking(front, make_api_key(world.customer)[1])
    ask(one("+447911000000"))

    status, headers, _ = ask(one())
    front.close()

    assert (status, headers["X-Frame-Options"]) == (202, "DENY")
    assert "Set-Cookie" not in headers


def test_django_is_asked_by_few_at_once_and_they_keep_the_only_connections(world, front, ask, monkeypatch):
    most, now, kept = [], [], []

    def django(environ, start_response):
        now.append(1)
        most.append(len(now))
        connection.ensure_connection()
        now.pop()
        start_response("200 OK", [])
        return [b"{}"]

    monkeypatch.setattr(front, "_django", django)

    def visit(number):
        connection.close()
        ask(b"", method="GET")
        kept.append(connection.connection)

    race(visit, threads=40)

    assert max(most) <= door.DJANGO_AT_ONCE
    assert kept == [None] * 40


def test_an_answer_written_while_it_is_sent_leaves_no_connection_behind(front, monkeypatch):
    open_meanwhile = []

    def lines():
        connection.ensure_connection()
        open_meanwhile.append(connection.connection)
        yield b"{}"

    def django(environ, start_response):
        start_response("200 OK", [])
        return StreamingHttpResponse(lines())

    monkeypatch.setattr(front, "_django", django)

    def download(number):
        connection.close()
        Asking(front, "")(b"", method="GET")
        return connection.connection

    assert race(download, threads=1) == [None]
    assert None not in open_meanwhile


def test_at_its_end_no_connection_of_its_threads_is_left():
    opened = []

    def django(environ, start_response):
        connection.ensure_connection()
        opened.append(connection.connection)
        start_response("200 OK", [])
        return [b"{}"]

    front = Front(django)
    race(lambda number: Asking(front, "")(b"", method="GET"), threads=8)

    front.close()

    assert [one.closed for one in opened] == [True] * 8
