"""The SMPP type's cases, in the form every carrier type writes them down."""

from contextlib import contextmanager
from dataclasses import replace

from messaging.channels.types.base import NotSent, ParsedReceipt, Refused, Unknown
from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.link import SmppChannel
from messaging.channels.types.smpp.testing import PASSWORD, accepting, dropping, refusing, scripted_carrier
from messaging.channels.types.testing import PLAIN, Receipt, Send, channel_tests


@contextmanager
def stage(answer):
    seen = []
    with scripted_carrier(answer) as carrier:
        yield {"port": 1 if answer is None else carrier.port}, seen
    while not carrier.submits.empty():
        seen.append(carrier.submits.get()._asdict())


def news(words):
    return pdu.encode_message(pdu.Message("447700900123", "Signalbox", words, esm_class=4, source_ton=1))


test_smpp_sends, test_smpp_receipts = channel_tests(
    SmppChannel,
    config={"host": "127.0.0.1", "port": 2775, "system_id": "demo", "password": PASSWORD},
    stage=stage,
    sends=[
        Send("plain", answer=accepting("a1"), gives="a1", expect={"destination": "447700900123", "text": b"Hello"}),
        Send(
            "unicode",
            answer=accepting("a2"),
            gives="a2",
            outgoing=replace(PLAIN, body="你好", encoding="ucs2"),
            expect={"data_coding": 8, "text": b"\x4f\x60\x59\x7d"},
        ),
        Send("refused", answer=refusing(pdu.INVALID_DESTINATION), gives=Refused),
        Send("dropped", answer=dropping, gives=Unknown),
        Send("nobody listens", answer=None, gives=NotSent),
    ],
    receipts=[
        Receipt(
            "delivered",
            news(b"id:a1 stat:DELIVRD err:000"),
            ParsedReceipt("a1", "delivered", "000", recipient="+447700900123", sender="Signalbox"),
        ),
        Receipt("unknown word", news(b"id:a1 stat:TELEPORTED"), None),
    ],
)
