"""The command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from portal.stack.carrier.rules import DEMO_RULES, Rules, RulesInvalid, load_rules
from portal.stack.carrier.server import Settings

#: Options that change the default rule, whatever the rules file says.
_OF_DEFAULT = {
    "answer_delay": "seconds before a submit is answered",
    "receipt_delay": "seconds before a receipt is sent",
    "receipt_jitter": "up to so many seconds more, by destination",
    "undelivered": "share of messages that do not arrive",
    "duplicate": "share of receipts sent twice",
    "out_of_order": "share of final receipts followed by an earlier state",
    "early": "share of receipts sent before the submit's answer",
    "no_receipt": "share of messages that never get a receipt",
    "throttled": "share of submits answered 0x58",
    "refused": "share of destinations refused",
    "silent": "share of destinations whose submits are never answered",
}


@dataclass(frozen=True, slots=True)
class Options:
    settings: Settings
    control_port: int | None


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; a mistake ends the process with a sentence about it."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        rules = _rules(given)
    except RulesInvalid as error:
        parser.error(str(error))
    settings = Settings(
        log=given.log,
        system_id=given.system_id,
        password=given.password,
        host=given.host,
        port=given.port,
        rules=rules,
        seed=given.seed,
        durable_log=given.durable_log,
        owed=given.owed,
        window=given.window,
        receipt_form=given.receipt_form,
        decimal_receipts=given.decimal_receipts,
        is_packed=given.packed,
    )
    return Options(settings, given.control_port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m portal.stack.carrier",
        description="A demo carrier: an SMPP 3.4 server that behaves as it is told.  docs/demo-carrier.md says more.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="where to listen; 0 takes a free port")
    parser.add_argument("--system-id", default="demo")
    parser.add_argument("--password", default="demo1234")
    parser.add_argument("--log", type=Path, required=True, metavar="FILE.jsonl", help="one line for every submit")
    parser.add_argument("--durable-log", action="store_true", help="write the line before the answer leaves")
    parser.add_argument("--owed", type=Path, metavar="FILE", help="keep promised receipts here over a kill")
    parser.add_argument("--rules", type=Path, metavar="FILE.json", help="behaviour by destination prefix")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same verdicts")
    parser.add_argument("--window", type=int, default=1_500, help="receipts in flight on one line")
    parser.add_argument("--control-port", type=int, help="loopback HTTP: /inbound /rules /drop /stats")
    parser.add_argument("--receipt-form", choices=("both", "text", "parameters"), default="both")
    parser.add_argument("--decimal-receipts", action="store_true", help="ids in hexadecimal, in decimal in receipts")
    parser.add_argument("--packed", action="store_true", help="GSM-7 texts come eight septets in seven octets")
    for name, meaning in _OF_DEFAULT.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, help=meaning)
    parser.add_argument("--refuse-binds", action="store_true", help="let nobody in until told otherwise")
    parser.add_argument("--drop-after", type=int, default=0, metavar="N", help="cut a line at its Nth submit")
    return parser


def _rules(given: argparse.Namespace) -> Rules:
    rules = load_rules(given.rules) if given.rules else DEMO_RULES
    changes = {name: getattr(given, name) for name in _OF_DEFAULT if getattr(given, name) is not None}
    return replace(
        rules,
        default=replace(rules.default, **changes),
        refuse_binds=given.refuse_binds or rules.refuse_binds,
        drop_after=given.drop_after or rules.drop_after,
    )
