"""The carrier itself: lets clients in, takes submits, and does to them what the rules say."""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from messaging.channels.types.smpp import pdu
from messaging.channels.types.smpp.endpoints import serve
from messaging.channels.types.smpp.parts import place_of
from messaging.channels.types.smpp.session import Limits, Session, SessionHandler
from portal.stack.carrier.agenda import Agenda
from portal.stack.carrier.fates import Fates
from portal.stack.carrier.journal import Journal
from portal.stack.carrier.names import Names
from portal.stack.carrier.owed import Owed
from portal.stack.carrier.postbag import Postbag, inbound_body, receipt_body
from portal.stack.carrier.rules import DEMO_RULES, Rules, Verdict, is_throttled, verdict


@dataclass(frozen=True, slots=True)
class Settings:
    """What the carrier is started with; `rules` may be replaced while it runs."""

    log: Path
    system_id: str = "demo"
    password: str = "demo1234"  # noqa: S105  the demo's, documented
    host: str = "127.0.0.1"
    port: int = 2775
    rules: Rules = DEMO_RULES
    seed: int = 7
    durable_log: bool = False
    owed: Path | None = None  # where what is owed outlives the process
    window: int = 1_500
    response_timeout: float = 20
    enquire_link: float = 30
    receipts_kept: int = 100_000  # beyond it submits are answered "queue full"
    receipt_form: str = "both"  # "text" leaves the parameters out, "parameters" the words
    decimal_receipts: bool = False  # ids are numbers: hexadecimal in answers, decimal in receipts
    is_packed: bool = False  # GSM-7 texts come eight septets in seven octets


class Carrier(SessionHandler):
    """All lines share one carrier.  Everything but the constructor runs in its loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.rules = settings, settings.rules
        self.counts: Counter[str] = Counter()
        self._lines: dict[Session, int] = {}  # and how many submits each has brought
        self._names = Names(is_decimal=settings.decimal_receipts)
        self._throttled_parts: Counter[tuple[str, int | None, int]] = Counter()

    async def start(self) -> None:
        settings = self.settings
        self._agenda = Agenda()
        self._journal = Journal(settings.log, durable=settings.durable_log, is_packed=settings.is_packed)
        self._fates = Fates(self._names)
        owed = Owed(settings.owed) if settings.owed else None
        self._postbag = Postbag(self._agenda, limit=settings.receipts_kept, owed=owed)
        limits = Limits(
            window=settings.window, response_timeout=settings.response_timeout, enquire_link=settings.enquire_link
        )
        self._server = await serve(self, host=settings.host, port=settings.port, limits=limits)

    @property
    def port(self) -> int:
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Say goodbye to every line; what was promised and not yet delivered goes with the process."""
        self._server.close()
        await asyncio.gather(*(line.unbind(patience=1) for line in list(self._lines)))
        self._agenda.stop()
        self._journal.close()

    # what the control endpoint asks

    def replace_rules(self, rules: Rules) -> None:
        self.rules = rules

    def drop_lines(self) -> int:
        """Cut every line at once, as a fallen network would."""
        lines = list(self._lines)
        for line in lines:
            line.close("dropped on request", at_once=True)
        self.counts["dropped"] += len(lines)
        return len(lines)

    def send_inbound(self, *, sender: str, recipient: str, said: str) -> None:
        """A handset writes to us.  ValueError when it cannot be written down."""
        self._postbag.deliver_now(inbound_body(sender=sender, recipient=recipient, said=said))
        self.counts["inbound"] += 1

    def stats(self) -> dict[str, int]:
        return {
            **self.counts,
            "lines": len(self._lines),
            "receipts_kept": self._postbag.kept,
            "receipts_acknowledged": self._postbag.acknowledged,
            "receipts_retried": self._postbag.retried,
        }

    # what the sessions tell

    def bind_requested(self, session: Session, command: int, bind: pdu.Bind) -> int:
        status = self._bind_status(bind)
        if status:
            self.counts["binds_refused"] += 1
            return status
        self.counts["binds"] += 1
        self._lines[session] = 0
        return pdu.OK

    def _bind_status(self, bind: pdu.Bind) -> int:
        if self.rules.refuse_binds:
            return pdu.BIND_FAILED
        if not hmac.compare_digest(bind.system_id.encode(), self.settings.system_id.encode()):
            return pdu.INVALID_SYSTEM_ID
        if not hmac.compare_digest(bind.password.encode(), self.settings.password.encode()):
            return pdu.INVALID_PASSWORD
        return pdu.OK

    def session_bound(self, session: Session) -> None:
        if session.peer_reads:
            self._postbag.add_line(session)

    def session_closed(self, session: Session, why: str) -> None:
        self._lines.pop(session, None)
        self._postbag.remove_line(session)

    def answers_arrived(self, session: Session, answers: list[tuple[bytes, int, bytes]]) -> None:
        self._postbag.answered(answers)

    def unanswered(self, session: Session, tokens: list[bytes], why: str) -> None:
        self._postbag.come_back(tokens)

    def query_asked(self, session: Session, query: pdu.Query) -> tuple[int, bytes]:
        self.counts["queries"] += 1
        answer = self._fates.answer(query)
        return (pdu.OK, pdu.encode_query_answer(answer)) if answer else (pdu.QUERY_FAILED, b"")

    def requests_arrived(self, session: Session, requests: list[tuple[int, bytes]]) -> None:
        for sequence, body in requests:
            try:
                message = pdu.decode_message(body)
            except pdu.ProtocolError as error:
                self.counts["malformed"] += 1
                session.answer(pdu.SUBMIT_SM, sequence, error.status)
                continue
            self._submitted(session, sequence, message)
        self._journal.settle()

    # one submit

    def _submitted(self, session: Session, sequence: int, message: pdu.Message) -> None:
        self.counts["submits"] += 1
        self._lines[session] = brought = self._lines.get(session, 0) + 1
        fate = verdict(message.destination, self.rules, self.settings.seed)
        is_last = 0 < self.rules.drop_after <= brought
        if fate.silent or is_last:
            self.counts["unanswered"] += 1
            self._journal.note(message, message_id="", status=None)
            session.leave_unanswered()
            if is_last:
                self.counts["dropped"] += 1
                session.close(f"dropped after {brought} submits", at_once=True)
        elif status := self._refusal(session, message, fate):
            self.counts[f"refused_0x{status:02X}"] += 1
            self._journal.note(message, message_id="", status=status)
            session.answer(pdu.SUBMIT_SM, sequence, status)
        else:
            self._accept(session, sequence, message, fate)

    def _refusal(self, session: Session, message: pdu.Message, fate: Verdict) -> int:
        if session.bound == pdu.BIND_RECEIVER:
            return pdu.NOT_BOUND
        if self._is_throttled(message):
            return pdu.THROTTLED
        return fate.refused_status or (pdu.QUEUE_FULL if self._postbag.is_full else pdu.OK)

    def _is_throttled(self, message: pdu.Message) -> bool:
        reference: object = message.user_message_reference or self.counts["submits"]
        if (place := place_of(message)) is None:
            return is_throttled(message.destination, reference, self.rules, self.settings.seed)
        # A part comes again under the same reference: each of its tries is a draw of its own.
        key = (message.destination, message.user_message_reference, place.number)
        attempt = f"{reference}:{place.number}:{self._throttled_parts[key]}"
        if is_throttled(message.destination, attempt, self.rules, self.settings.seed):
            self._throttled_parts[key] += 1
            return True
        self._throttled_parts.pop(key, None)
        return False

    def _accept(self, session: Session, sequence: int, message: pdu.Message, fate: Verdict) -> None:
        self.counts["accepted"] += 1
        number = self.counts["accepted"]
        message_id = self._names.of(number)
        final_in = 0 if fate.early else fate.answer_delay + fate.receipt_delay
        self._fates.remember(number, message.source, fate, seconds=final_in)
        self._journal.note(message, message_id=message_id, status=0)
        if fate.early:
            self._promise_receipts(message, message_id, fate, seconds=0)
        answer = pdu.encode_message_id(message_id)
        # An early receipt needs a head start of one turn of the loop to leave in a write of its own.
        delay = fate.answer_delay or (0.02 if fate.early else 0)
        if delay:
            self._agenda.after(delay, session.answer, pdu.SUBMIT_SM, sequence, pdu.OK, answer)
        else:
            session.answer(pdu.SUBMIT_SM, sequence, pdu.OK, answer)
        if not fate.early:
            self._promise_receipts(message, message_id, fate, seconds=final_in)

    def _promise_receipts(self, message: pdu.Message, message_id: str, fate: Verdict, *, seconds: float) -> None:
        if fate.no_receipt or not message.registered_delivery & 0x03:
            return
        name = str(int(message_id, 16)) if self.settings.decimal_receipts else message_id
        write = partial(receipt_body, message, message_id=name, form=self.settings.receipt_form)
        final = write(state=fate.state, error_code=fate.error_code)
        bodies = [final]
        if fate.duplicate:
            bodies.append(final)
        if fate.out_of_order:
            bodies.append(write(state="ENROUTE", error_code="000"))
        for place, body in enumerate(bodies):
            self._postbag.keep(body, seconds=seconds + place * 0.05)
