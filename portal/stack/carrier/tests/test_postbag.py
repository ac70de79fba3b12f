"""When receipts leave."""

import asyncio

from portal.stack.carrier.agenda import Agenda
from portal.stack.carrier.postbag import Postbag


class Line:
    """A line with room that keeps what it is handed."""

    room = 1

    def __init__(self) -> None:
        self.handed: list[bytes] = []

    def request(self, _command: int, body: bytes, _token: bytes) -> None:
        self.handed.append(body)


def test_a_receipt_without_delay_leaves_right_behind_its_submits_answer():
    async def handed_at_once() -> list[bytes]:
        postbag, line = Postbag(Agenda(), limit=10), Line()
        postbag.add_line(line)
        postbag.keep(b"later", seconds=60)
        postbag.keep(b"now", seconds=0)
        return line.handed

    assert asyncio.run(handed_at_once()) == [b"now"]
