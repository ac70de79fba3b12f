"""`python -m portal.stack.carrier` as the launcher runs it."""

import re
import signal
import subprocess
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest

from messaging.channels.types.base import Outgoing, Refused
from messaging.channels.types.smpp.link import SmppChannel
from portal.stack.carrier.journal import read_journal
from portal.stack.carrier.options import parse

ROOT = Path(__file__).parents[4]


@contextmanager
def process(*arguments):
    started = subprocess.Popen(
        [sys.executable, "-m", "portal.stack.carrier", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def test_it_says_where_it_listens_obeys_its_options_and_stops_when_told(tmp_path):
    log = tmp_path / "deep" / "submits.jsonl"

    with process("--port", "0", "--log", str(log), "--control-port", "0", "--refused", "1") as carrier:
        said = carrier.stdout.readline()
        port = int(re.search(r"SMPP on 127\.0\.0\.1:(\d+), control on http://127\.0\.0\.1:\d+", said)[1])
        channel = SmppChannel({"host": "127.0.0.1", "port": port, "system_id": "demo", "password": "demo1234"})
        channel.open()
        [outcome] = channel.send([Outgoing(uuid.uuid4(), "S", "+8613800130000", "Hello", "gsm7", 1, 1)])
        channel.close()
        carrier.send_signal(signal.SIGTERM)
        assert carrier.wait(5) == 0

    assert isinstance(outcome, Refused)
    assert [line["status"] for line in read_journal(log)] == [0x0B]


def test_a_port_in_use_is_one_clear_sentence(tmp_path):
    with process("--port", "0", "--log", str(tmp_path / "a")) as first:
        port = re.search(r":(\d+)", first.stdout.readline())[1]
        with process("--port", port, "--log", str(tmp_path / "b")) as second:
            _out, said = second.communicate(timeout=10)

    assert second.returncode == 1
    assert said.startswith("demo carrier: cannot start:")
    assert said.count("\n") == 1


@pytest.mark.parametrize("wrong", [("--undelivered", "2"), ("--rules", "nowhere.json"), ("--port", "many")])
def test_a_wrong_option_ends_with_a_sentence(wrong, tmp_path, capsys):
    with pytest.raises(SystemExit):
        parse(["--port", "0", "--log", str(tmp_path / "log"), *wrong])

    assert "error:" in capsys.readouterr().err
