import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from portal.stack.demo.api import Api
from portal.stack.demo.play import Play, Running, is_going_on, read_options, running_house
from portal.stack.demo.witness import CarrierLog
from portal.stack.errors import StackError


@pytest.fixture
def server():
    """A server that gives the prepared answers in turn and keeps what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.server.asked.append((self.command, self.path, dict(self.headers)))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = self.server.answers.pop(0)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_arguments) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.asked, running.answers = [], []
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def api(server):
    return Api(f"http://127.0.0.1:{server.server_port}", "sb_live_x")


def submit(destination: str, status: int | None = 0) -> str:
    return json.dumps({"destination": destination, "status": status, "text": "hi"}) + "\n"


def test_a_refusal_is_told_in_the_apis_own_words(server, api):
    server.answers = [(402, {"error": {"code": "insufficient_balance", "message": "The wallet does not hold enough."}})]

    with pytest.raises(StackError, match=r"does not hold enough.*insufficient_balance"):
        api.post("campaigns", {})


def test_a_house_that_restarts_is_asked_again_under_the_same_idempotency_key(server, api, monkeypatch):
    monkeypatch.setattr("portal.stack.demo.api.PAUSE_SECONDS", 0)
    server.answers = [(503, {}), (503, {}), (202, {"id": "c1"})]

    assert api.post("campaigns", {}) == {"id": "c1"}
    assert len({headers["Idempotency-Key"] for _method, _path, headers in server.asked}) == 1
    assert len(server.asked) == 3


def test_a_house_that_stays_away_is_given_up(api, server, monkeypatch):
    monkeypatch.setattr("portal.stack.demo.api.PATIENCE_SECONDS", 0)
    server.answers = [(503, {})]

    with pytest.raises(StackError, match="does not answer"):
        api.get("balance")


def test_lists_are_read_page_by_page(server, api):
    server.answers = [
        (200, {"messages": [{"id": 1}, {"id": 2}], "next": "2"}),
        (200, {"messages": [{"id": 3}], "next": None}),
    ]

    assert [row["id"] for row in api.pages("messages", "messages", campaign="c1")] == [1, 2, 3]
    assert "cursor=2" in server.asked[1][1]


def test_the_carriers_log_counts_what_was_handed_over_since_the_play_began(tmp_path):
    path = tmp_path / "submits.jsonl"
    path.write_text(submit("8613800000001"))
    log = CarrierLog(path)
    with path.open("a") as file:
        file.write(submit("8613800000001") + submit("8613800000002", 88) + submit("8613800000002"))
        file.write(submit("8613800000003", None) + submit("8613800000003") + submit("447700900000"))
        file.write('{"destination": "8613800000001"')

    testimony = log.about(["+8613800000001", "+8613800000002", "+8613800000003"])

    assert testimony.handed_over == {"8613800000001": 1, "8613800000002": 1, "8613800000003": 2}
    assert testimony.more_than_once() == ["8613800000003"]


def test_without_a_running_house_one_sentence_says_what_to_do(tmp_path):
    with pytest.raises(StackError, match="start it with bin/up"):
        running_house({"SIGNALBOX_VAR": str(tmp_path)})


def test_a_house_without_a_demo_world_says_how_to_get_one(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "stack.json").write_text(json.dumps({"launcher": os.getpid(), "base_url": "http://x"}))

    with pytest.raises(StackError, match="no demo world"):
        running_house({"SIGNALBOX_VAR": str(tmp_path)})


def test_a_file_that_is_none_is_named(tmp_path):
    with pytest.raises(StackError, match="nothing.csv is not a file"):
        read_options([str(tmp_path / "nothing.csv")])


@pytest.mark.parametrize(
    ("_case", "status", "waiting", "not_sent", "goes_on"),
    [
        ("accepting", "sending", 0, 10, True),
        ("all handed over, receipts to come", "sent", 3, 0, True),
        ("a batch still queued", "sent", 0, 2, True),
        ("over", "sent", 0, 0, False),
        ("stopped for want of money", "stopped", 0, 50, False),
    ],
)
def test_a_campaign_goes_on_until_nothing_is_to_come(_case, status, waiting, not_sent, goes_on):
    assert is_going_on({"status": status, "progress": {"waiting": waiting, "not_sent": not_sent}}) is goes_on


def test_what_does_not_agree_is_said_and_makes_the_play_fail(tmp_path, api, capsys):
    play = Play(Running("http://x", "key", "Meadowlark", tmp_path, {}), api)
    balance = {"balance": "10", "held": "0"}
    money = {"spent": "1.00", "returned": "0", "held": "0", "currency": "CNY"}

    play.show_money({"money": money}, balance, {"balance": "9.00", "held": "0"})
    agreed = list(play.disagreements)
    play.show_money({"money": money}, balance, {"balance": "8.50", "held": "0"})

    assert agreed == []
    assert len(play.disagreements) == 1
    assert "1.50 poorer" in capsys.readouterr().out
