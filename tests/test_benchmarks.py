"""The benchmarks' own arithmetic and manners: what they send, what they read, what they throw away."""

import argparse
import asyncio
import json
import mmap
import os
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import phonenumbers
import pytest

from bench import carrier, generator, processes, report, throughput
from bench.carrier import Mood
from bench.generator import Range, Volley, get, percentile, post, status_and_length
from bench.house import WentWrong
from bench.loads import Task, form_of, many_a_request, number_of, one_a_request
from bench.peers import __main__ as peers
from bench.peers import kannel
from bench.peers.contest import Showing
from bench.peers.sink import Caller, Sink
from bench.processes import SHARED, Memory, Usage, memory_of
from bench.runs import Result
from bench.sender import Sender
from bench.stored import SQL, run

SENDER = Sender("o", "sb_key", "t-1", "s-1", {"order": "88213"})
TASK = Task(port=1, sender=SENDER, messages=3, first=7, limit=1)


def body_of(request: bytes) -> dict:
    head, _, body = request.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    return json.loads(body)


def result(*, foreign: float = 0.0, settled: float = 100.0, load: str = "b", **changes) -> Result:
    facts = {
        "load": load, "messages": 1000, "accepted": 200.0, "submitted": 150.0, "settled": settled, "p50": 1.0, "p99": 2.0,
        "cpu": {"web": 40.0, "carrier": 60.0, "ours": 40.0, "all": 100.0}, "cores": 1.0, "memory_peak": 10.0,
        "memory_thirds": {"web": (5.0, 6.0)}, "round_trips": 0.05, "transactions": 0.02, "foreign_cores": foreign,
        "is_fit": foreign <= 0.2, "problems": [], "told": "all", "generator_cores": 0.05, "when": "now",
    }  # fmt: skip
    return Result(**{**facts, **changes})


# --- what is sent


def test_numbers_are_valid_and_each_message_has_its_own():
    numbers = [number_of(place) for place in range(0, 10**8, 10**6 + 7)]

    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_one_message_a_request_and_many_say_the_same():
    single = [body_of(request) for request in one_a_request(TASK)]
    many = [message for request in many_a_request(TASK, 2) for message in body_of(request)["messages"]]

    assert [(one["to"], one["variables"]) for one in single] == [(one["to"], one["variables"]) for one in many]
    assert [one["to"] for one in single] == [number_of(7), number_of(8), number_of(9)]
    assert len({one["variables"]["order"] for one in single}) == 3


def test_a_file_is_uploaded_as_one_part():
    body, kind = form_of(b"number,order\r\n+861,1\r\n")

    boundary = kind.partition("boundary=")[2].encode()
    assert body.count(b"--" + boundary) == 2
    assert b"\r\n\r\nnumber,order\r\n+861,1\r\n\r\n--" in body


def test_the_generator_sends_everything_once_over_its_connections():
    sink = Sink()

    async def play() -> generator.Answers:
        server = await asyncio.get_running_loop().create_server(lambda: Caller(sink), "127.0.0.1", 0)
        requests = [get(f"/dlr?id={place}&status=1") for place in range(50)]
        async with server:
            return await Range(Volley(server.sockets[0].getsockname()[1], 4, requests, expected=200)).run()

    answers = asyncio.run(play())

    assert (answers.statuses, answers.refusals, len(answers.latencies)) == (Counter({200: 50}), [], 50)
    assert (sink.callbacks, len(sink.ids)) == (50, 50)


def test_another_status_than_expected_is_a_refusal():
    async def play() -> generator.Answers:
        server = await asyncio.get_running_loop().create_server(lambda: Caller(Sink()), "127.0.0.1", 0)
        async with server:
            return await Range(Volley(server.sockets[0].getsockname()[1], 1, [post("/", b"{}", {})])).run()

    assert asyncio.run(play()).refusals[0].startswith("200: ")


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 202 Accepted\r\ncontent-length: 12", b"HTTP/1.1 202 X\r\nA: b\r\nContent-Length: 12"]
)
def test_an_answers_head_tells_status_and_length(head):
    assert status_and_length(head) == (202, 12)


def test_an_answer_without_a_length_is_refused():
    with pytest.raises(ValueError, match="Content-Length"):
        status_and_length(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked")


# --- what is measured


def test_percentiles_are_values_of_the_list():
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0, 0.5, 0.99, 1)] == [1.0, 3.0, 4.0, 4.0]


def test_ours_is_neither_carrier_nor_sink_nor_load():
    cost = Usage(1, {"web": 1.0, "postgres": 2.0, "carrier": 4.0, "sink": 8.0, "load": 16.0}, 0).per_message(1_000_000)

    assert (cost["ours"], cost["all"]) == (3.0, 31.0)


def test_the_machines_seconds_leave_out_idling_and_waiting():
    assert processes.spent_in("cpu  100 20 30 4000 500 6 7 0 0 0\ncpu0 1 1 1") == pytest.approx(163 / processes.TICKS)


def test_what_a_server_shares_among_its_processes_is_counted_apart_and_once():
    with mmap.mmap(-1, 8 * 2**20) as shared:
        shared.write(bytes(len(shared)))
        found = memory_of({"postgres": os.getpid(), "web": os.getpid()})

    assert found[SHARED] >= 8
    assert found["postgres"] == pytest.approx(found["web"] - found[SHARED], abs=1)


def test_memory_is_compared_by_the_first_and_the_last_third():
    memory = Memory(dict, samples=samples_of(10.0, 20.0, 50.0, 50.0, 30.0, 50.0))

    assert (memory.thirds(), memory.peak) == ({"web": (15.0, 40.0)}, 50.0)


def test_memory_is_compared_from_the_beginning_of_the_load():
    memory = Memory(dict, samples=samples_of(1.0, 2.0, 3.0, 10.0, 20.0, 30.0))

    assert (memory.before, memory.thirds(since=3)) == ({"web": 1.0}, {"web": (10.0, 30.0)})
    assert memory.thirds(since=99) == {"web": (30.0, 30.0)}, "a load shorter than the time between two looks"


def samples_of(*values: float) -> list[tuple[float, dict[str, float]]]:
    return [(float(at), {"web": value}) for at, value in enumerate(values)]


def test_the_carriers_log_counts_what_it_accepted_and_what_came_twice():
    entries = [("1", 0), ("2", 0), ("2", 0), ("3", 88), ("4", None)]
    lines = [json.dumps({"destination": number, "status": status}).encode() for number, status in entries]

    assert carrier.told_by(lines) == carrier.Told(submits=3, numbers=2, twice=1)


def test_what_the_carrier_will_not_deliver_is_known_beforehand():
    numbers = [number_of(place) for place in range(2_000)]

    assert Mood(undelivered=0).undelivered_of(numbers) == 0
    assert Mood(undelivered=1).undelivered_of(numbers) == 2_000
    assert 20 < Mood(undelivered=0.03).undelivered_of(numbers) < 100


# --- what is thrown away


class Played:
    """A bench whose runs are known."""

    def __init__(self, *results: Result) -> None:
        self.results = list(results)

    def task(self, sender, **asked) -> None:
        return None

    def run(self, load: str, task: None) -> Result:
        return self.results.pop(0)


def asked(**changes) -> argparse.Namespace:
    return argparse.Namespace(
        **{"runs": 2, "retries": 1, "messages": 10, "limit": 1, "connections": 0, "statements": False, **changes}
    )


def test_a_noisy_run_is_thrown_away_and_repeated():
    bench = Played(result(foreign=0.5), result(settled=110), result(settled=120))

    kept = throughput.fit_runs(bench, "b", SENDER, asked())

    assert [run.settled for run in kept] == [110, 120]


def test_when_retries_are_used_up_a_noisy_run_is_kept_and_called_so():
    bench = Played(result(foreign=0.5), result(foreign=0.5, settled=110), result(settled=120))

    kept = throughput.fit_runs(bench, "b", SENDER, asked())

    assert [run.is_fit for run in kept] == [False, True]
    assert "settled 120/s" in report.summary(kept)


def test_a_run_the_carrier_disagrees_with_ends_everything():
    with pytest.raises(throughput.WentWrong, match="nothing fits"):
        throughput.fit_runs(Played(result(problems=["nothing fits"])), "b", SENDER, asked())


def test_a_run_is_described_with_what_is_ours_and_what_is_not():
    text = report.describe(result(foreign=0.5))

    assert "NOT fit to compare" in text
    assert "carrier               60.0 µs   (not in ours)" in text
    assert "carrier and database agree" in text


def test_figures_are_left_for_a_machine_to_read(tmp_path):
    report.write(tmp_path / "new" / "figures.json", "throughput", {"runs": report.as_facts([result()])})

    left = json.loads((tmp_path / "new" / "figures.json").read_text())
    assert (left["kind"], left["runs"][0]["settled"]) == ("throughput", 100.0)


# --- peers


def showing(name: str, rate: float, cpu: float, foreign: float = 0.0) -> Showing:
    return Showing(name, rate, rate, rate, cpu, {}, 1.0, 2.0, 50.0, foreign, foreign <= 0.2)


def test_everybody_has_a_turn_each_round_and_noisy_turns_are_repeated():
    order = []

    def turn(name: str, *noise: float):
        left = list(noise)

        def play() -> Showing:
            order.append(name)
            return showing(name, 100, 10, left.pop(0) if left else 0)

        return play

    found = peers.alternate({"a": turn("a", 0.9), "b": turn("b")}, runs=2, patience=peers.Patience(1))

    assert order == ["a", "a", "b", "a", "b"]
    assert [len(showings) for showings in found.values()] == [2, 2]


def test_a_turn_that_failed_is_repeated_told_of_and_ends_nothing():
    tries = iter([WentWrong("Kannel: 503"), showing("a", 100, 10), WentWrong("Kannel: gone")])

    def play() -> Showing:
        come = next(tries)
        if isinstance(come, WentWrong):
            raise come
        return come

    patience = peers.Patience(1)
    found = peers.alternate({"a": play, "b": lambda: showing("b", 50, 10)}, runs=2, patience=patience)

    assert [len(showings) for showings in found.values()] == [1, 2]
    assert patience.failures == ["a: Kannel: 503", "a: Kannel: gone"]
    assert "b " in peers.verdict(found)


def test_ratios_are_of_medians_and_say_what_was_reached():
    text = peers.verdict(
        {
            "kannel-internal": [showing("kannel-internal", rate, 300) for rate in (900, 1000, 5000)],
            "signalbox-b": [showing("signalbox-b", 1300, 150)],
        }
    )

    assert "signalbox-b / kannel-internal   1.30  (wanted 1.2: reached)  CPU 0.50" in text


def test_a_message_for_kannel_names_where_its_receipt_goes():
    query = parse_qs(urlsplit(kannel.sending({"sink": 9}, to="+861", text="Is it & here?", id=4)).query)

    assert (query["to"], query["text"]) == (["+861"], ["Is it & here?"])
    assert query["dlr-url"] == ["http://127.0.0.1:9/dlr?id=4&status=%d"]


@pytest.mark.parametrize("storage", ["internal", "pgsql"])
def test_kannel_is_told_its_ports_its_storage_and_the_window(storage):
    ports = {
        name: place for place, name in enumerate(("admin", "smsbox", "sendsms", "carrier", "control", "sink"), 7000)
    }

    text = kannel.configuration(ports, storage, "")

    assert f"dlr-storage = {storage}" in text
    assert "port = 7003\n" in text
    assert "max-pending-submits = 100" in text


# --- stored messages


class Written:
    """A database that keeps what it was told."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, statement: str) -> None:
        self.statements.append(statement)


@pytest.mark.parametrize("script", sorted(SQL.glob("*.sql")), ids=lambda path: path.stem)
def test_each_script_is_filled_in_whole(script: Path):
    words = {
        "name": "engine_message_20261120", "date": "2026-11-20", "next": "2026-11-21", "day": 3, "first": 0, "last": 9,
        "begin": 1, "step": 8.64, "movements": 10, "entries": 10,
    }  # fmt: skip
    database = Written()

    run(database, script.stem, **words)

    assert database.statements
    assert not any("{first" in one or "{name" in one for one in database.statements)
