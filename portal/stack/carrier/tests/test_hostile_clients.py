"""Clients that mean the demo carrier no good, beside one that does."""

import random
import socket

import pytest

from messaging.channels.types.base import Sent
from messaging.channels.types.smpp import pdu
from portal.stack.carrier.rules import Rule, Rules
from portal.stack.carrier.testing import running_carrier
from portal.stack.carrier.tests.clients import SECONDS, make_batch, opened

BIND = pdu.frame(pdu.BIND_TRANSCEIVER, 0, 1, pdu.encode_bind(pdu.Bind("demo", "demo1234")))
GUESS = pdu.frame(pdu.BIND_TRANSCEIVER, 0, 1, pdu.encode_bind(pdu.Bind("demo", "guess")))
SUBMIT = pdu.encode_message(pdu.Message("S", "447700900123", b"Hi", registered_delivery=1))
UDH_BOMB = pdu.encode_message(pdu.Message("S", "1", b"\xff" + b"\0\3\7\xff\1" * 30, esm_class=0x40))
NONSENSE = [
    b"GET / HTTP/1.1\r\n\r\n", b"\0" * 16, b"\xff" * 64, pdu.HEADER.pack(2**32 - 1, 4, 0, 1), pdu.HEADER.pack(15, 4, 0, 1),
    pdu.frame(pdu.SUBMIT_SM, 0, 2, SUBMIT), BIND + pdu.frame(pdu.SUBMIT_SM, 0, 2, SUBMIT[:-1]), BIND + BIND,
    BIND + pdu.frame(pdu.SUBMIT_SM, 0, 2, UDH_BOMB), BIND + pdu.frame(pdu.SUBMIT_SM, 0, 2, SUBMIT + b"\x04\x24\xff\xff"),
    BIND + pdu.frame(pdu.QUERY_SM, 0, 2, b"x" * 80), BIND + pdu.frame(pdu.QUERY_SM, 0, 2, b"x\0"),
    BIND + pdu.frame(pdu.ENQUIRE_LINK, 0, 2) * 500, BIND + pdu.frame(pdu.DELIVER_SM | pdu.ANSWER, 0, 9, b"\0") * 500, BIND[:9],
]  # fmt: skip


@pytest.fixture
def carrier(tmp_path):
    with running_carrier(tmp_path / "submits.jsonl", rules=Rules(default=Rule(receipt_delay=0.01))) as carrier:
        yield carrier


def shout(port, said):
    """Say it, and listen until the carrier hangs up or has nothing more to say."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as line:
        line.sendall(said)
        line.shutdown(socket.SHUT_WR)
        while line.recv(65_536):
            pass


def test_a_good_client_is_served_beside_hundreds_that_talk_nonsense(carrier):
    draw = random.Random(7)
    with opened(carrier, response_timeout_seconds=SECONDS) as channel:
        for turn in range(10):
            for _ in range(30):
                said = draw.choice(NONSENSE)
                shout(
                    carrier.port,
                    said if draw.random() < 0.5 else said[: draw.randint(0, len(said))] + draw.randbytes(9),
                )
            assert [type(outcome) for outcome in channel.send(make_batch(20))] == [Sent] * 20, f"turn {turn}"
        assert channel.state().bind == "bound"
        good = [line for line in carrier.journal if line["source"] == "Signalbox"]

    assert len(good) == 200


def test_a_thousand_wrong_passwords_let_nobody_in(carrier):
    with opened(carrier, response_timeout_seconds=SECONDS) as channel:
        for _ in range(1_000):
            shout(carrier.port, GUESS)
        assert [type(outcome) for outcome in channel.send(make_batch(5))] == [Sent] * 5
        assert carrier.stats()["binds_refused"] == 1_000
        assert carrier.stats()["lines"] == 1


def test_clients_that_never_bind_are_no_lines(carrier):
    silent = [socket.create_connection(("127.0.0.1", carrier.port), SECONDS) for _ in range(300)]
    with opened(carrier, response_timeout_seconds=SECONDS) as channel:
        assert [type(outcome) for outcome in channel.send(make_batch(5))] == [Sent] * 5
        assert carrier.stats()["lines"] == 1
    for line in silent:
        line.close()
