"""One run of a peer, in the same figures as one of ours."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench import carrier
from bench.carrier import Mood
from bench.generator import Volley, fire, get
from bench.house import WentWrong, wait_until
from bench.loads import CONNECTIONS, number_of
from bench.peers import kannel
from bench.peers.kannel import Kannel
from bench.processes import Memory, Meter

#: As long as the demo customer's notice, and as different from message to message.
TEXT = "Your order {:08d} has left our house and should be with you tomorrow. Meadowlark"


@dataclass
class Showing:
    """What one run of one contestant showed: messages a second told back to the caller, and what each cost."""

    name: str
    told_back: float
    submitted: float
    accepted: float
    ours: float
    cpu: dict[str, float]
    p50: float
    p99: float
    memory: float
    foreign_cores: float
    is_fit: bool
    idle_cores: float = 0.0  # of a contestant that stands by


def run_kannel(
    storage: str, *, messages: int, mood: Mood, limit: float, idle: Callable[[], Mapping[str, int]] = dict
) -> Showing:
    """Send through Kannel until it has called back for every message.  Raises WentWrong when some are missing or doubled."""
    with kannel.running(storage) as peer:
        carrier.control(peer.ports["control"], "POST", "/rules", mood.rules())
        requests = [
            get(kannel.sending(peer.ports, to=number_of(place), text=TEXT.format(place), id=place))
            for place in range(messages)
        ]
        volley = Volley(peer.ports["sendsms"], CONNECTIONS["a"], requests, limit=limit)
        meter = Meter(lambda: peer.pids, idle)
        with Memory(lambda: peer.pids) as memory:
            answers = fire(volley)
            if answers.refusals:
                raise WentWrong(f"Kannel: {answers.refusals[0]}")
            wait_until(lambda: count(peer)["messages"] >= messages, limit, "Kannel has called back for all")
        usage = meter.read()
        told, called = carrier.told_since(peer.carrier_log, 0), count(peer)
        if (told.submits, called["callbacks"]) != (messages, messages):
            raise WentWrong(f"Kannel: {messages} sent, carrier: {told}, called back {called}")
        cpu = usage.per_message(messages)
        return Showing(
            name=f"kannel-{storage}",
            told_back=messages / (called["last"] - answers.began),
            submitted=messages / (carrier.last_time(peer.carrier_log) - answers.began),
            accepted=messages / (answers.ended - answers.began),
            ours=cpu["ours"], cpu=cpu, p50=answers.percentile(0.5), p99=answers.percentile(0.99),
            memory=memory.peak, foreign_cores=usage.foreign_cores, is_fit=usage.is_fit,
            idle_cores=usage.by_part["idle"] / usage.seconds,
        )  # fmt: skip


def count(peer: Kannel) -> dict:
    return json.loads(kannel.ask(peer.ports["sink"], "/count") or b'{"messages": 0, "callbacks": 0}')
