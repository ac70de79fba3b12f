"""The play, scene by scene: upload a list, send a campaign, watch it arrive, count the money, ask the witnesses."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from portal.stack.demo.api import Api
from portal.stack.demo.witness import CarrierLog
from portal.stack.environment import LAUNCHER_ONLY
from portal.stack.errors import StackError
from portal.stack.layout import HOUSE, layout_from
from portal.stack.welcome import ACCOUNTS, read_accounts

SAMPLE = HOUSE / "docs" / "samples" / "recipients-gb18030.csv"
#: The template that takes the sample's columns; planted by seed_demo.
TEMPLATE = "订单发货通知"
#: Where its values come from, and what stands where a cell is empty.
VALUES = {"姓名": {"column": "姓名", "text": "顾客"}, "订单号": {"column": "订单号"}}
#: For a list without these columns.
PLAIN_TEMPLATE, PLAIN_VALUES = "Order shipped", {"order": {"text": "88213"}}
LOOK_SECONDS = 0.4
STILL_SECONDS = 180
ENDED = ("sent", "cancelled", "stopped")
BAR = 30


def demo(arguments: list[str], environment: Mapping[str, str] = os.environ) -> int:
    """Play it and print what happened; 1 when anything does not agree."""
    file = read_options(arguments)
    house = running_house(environment)
    play = Play(house, Api(house.base_url, house.key))
    play.run(file)
    return 1 if play.disagreements else 0


def read_options(arguments: list[str]) -> Path:
    parser = argparse.ArgumentParser(
        prog="bin/demo", description="Send a campaign through the API of a running house and show what became of it."
    )
    parser.add_argument(
        "file", nargs="?", type=Path, default=SAMPLE, help=f"the list to send to (default: {SAMPLE.name})"
    )
    file = parser.parse_args(arguments).file
    if not file.is_file():
        raise StackError(f"{file} is not a file.")
    return file


@dataclass(frozen=True)
class Running:
    """The house that runs beside us, and the demo customer's key."""

    base_url: str
    key: str
    customer: str
    var: Path
    environment: Mapping[str, str]


def running_house(environment: Mapping[str, str]) -> Running:
    """Find it by what it left under var/.  Raises StackError when it isn't running or has no demo world."""
    var = layout_from(environment).var
    try:
        state = json.loads((var / "run" / "stack.json").read_text())
        os.kill(state["launcher"], 0)
    except (OSError, ValueError, KeyError) as error:
        raise StackError(f"Signalbox is not running on {var}: start it with bin/up in another terminal.") from error
    keys = [account for account in read_accounts(var / ACCOUNTS) if account.get("kind") == "live_key"]
    if not keys:
        raise StackError(f"There is no demo world in {var}: bin/up --reset plants one.")
    return Running(state["base_url"], keys[0]["password"], keys[0]["email"], var, state["environment"]["worker"])


@dataclass
class Play:
    """One performance."""

    house: Running
    api: Api
    disagreements: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def run(self, file: Path) -> None:
        say("Signalbox", f"{self.house.base_url}, as {self.house.customer}")
        carrier = CarrierLog(self.house.var / "log" / "carrier-submits.jsonl")
        before = self.api.get("balance")
        recipients = self.read_file(file)
        campaign = self.send(recipients)
        campaign = self.watch(campaign)
        self.show_money(campaign, before, self.api.get("balance"))
        self.ask_carrier(campaign, carrier)
        self.check_books()
        verdict = "; ".join(self.disagreements) or "everything agrees"
        say("Verdict", f"{verdict} ({time.monotonic() - self.started:.1f} s)")

    # --- the list

    def read_file(self, path: Path) -> dict[str, Any]:
        begun = time.monotonic()
        file = self.api.upload("recipient-files", path)
        while file["status"] not in ("read", "refused"):
            time.sleep(LOOK_SECONDS)
            file = self.api.get(f"recipient-files/{file['id']}")
        if file["status"] == "refused":
            raise StackError(f"The list can't be read: {file['refusal']['message']}")
        tally = file["tally"]
        took = time.monotonic() - begun
        say("List", f"{file['name']}, {file['encoding'] or 'a workbook'}, {tally['rows']:,} rows read in {took:.1f} s")
        kinds = ("valid", "unusable", "duplicates", "blank")
        say("", ", ".join(f"{tally[kind]:,} {kind}" for kind in kinds) + self.compared(path, tally))
        say("", " · ".join(f"{country} {count:,}" for country, count in tally["by_country"].items()))
        return file

    def compared(self, path: Path, tally: Mapping[str, Any]) -> str:
        """Held against the answer that lies beside the sample files, if one does."""
        answer = path.with_name("expected.json")
        if not answer.is_file():
            return ""
        expected = json.loads(answer.read_text())
        asked = [name for name in expected if name in tally]
        wrong = [name for name in asked if tally[name] != expected[name]]
        return self.agree(
            not wrong, f"the list differs from {answer.name} in {', '.join(wrong)}", f"as in {answer.name}"
        )

    # --- the campaign

    def send(self, file: Mapping[str, Any]) -> dict[str, Any]:
        fits = VALUES.keys() <= set(file["columns"])
        template, values = (TEMPLATE, VALUES) if fits else (PLAIN_TEMPLATE, PLAIN_VALUES)
        sender = next(one for one in self.api.pages("senders", "senders") if one["kind"] == "signature")
        campaign = self.api.post(
            "campaigns",
            {
                "name": f"Demo {time.strftime('%H:%M:%S')}",
                "file": file["id"],
                "template": template,
                "sender": sender["id"],
                "variables": values,
            },
        )
        say("Campaign", f"“{campaign['name']}” with {template}, signed 【{sender['name']}】")
        say("", f"watch it at {self.house.base_url}/campaigns/{campaign['id']}/")
        return campaign

    def watch(self, campaign: dict[str, Any]) -> dict[str, Any]:
        """Follow it to its end with a live line, and show the result with its rates."""
        begun = moved = time.monotonic()
        seen, accepted_in = None, None
        while is_going_on(campaign):
            time.sleep(LOOK_SECONDS)
            campaign = self.api.get(f"campaigns/{campaign['id']}")
            now = time.monotonic()
            if accepted_in is None and campaign["accepted"] + campaign["skipped"] >= campaign["recipients"]:
                accepted_in = now - begun
            live_line(campaign, now - begun)
            if (looks := (campaign["progress"], campaign["accepted"])) != seen:
                seen, moved = looks, now
            if now - moved > STILL_SECONDS:
                raise StackError(f"Nothing has moved for {STILL_SECONDS} s: var/log tells what the workers do.")
        end_live_line()
        took = time.monotonic() - begun
        self.show_result(campaign, took, accepted_in or took)
        return campaign

    def show_result(self, campaign: Mapping[str, Any], took: float, accepted_in: float) -> None:
        progress = campaign["progress"]
        said = f"{progress['delivered']:,} delivered, {progress['failed']:,} failed, {progress['no_receipt']:,} without receipt"
        if progress["left_out"]:
            said += f", {progress['left_out']:,} left out"
        ended = progress["delivered"] + progress["failed"] + progress["no_receipt"] + progress["left_out"]
        whole = campaign["status"] == "sent" and ended == campaign["recipients"]
        say("Result", said + self.agree(whole, f"{campaign['recipients'] - ended} have no end", "all of them"))
        if progress["failures"]:
            say("", "failures by the carrier's code: " + counts(progress["failures"]))
        rates = (campaign["accepted"] / accepted_in, ended / took)
        say("Rates", f"accepted {rates[0]:,.0f} a second, settled {rates[1]:,.0f} a second, {took:.1f} s in all")

    # --- the money

    def show_money(self, campaign: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        money = campaign["money"]
        say(
            "Money",
            f"{money['spent']} {money['currency']} spent, {money['returned']} returned, {money['held']} still held",
        )
        gone = wealth(before) - wealth(after)
        balances = f"the wallet went from {before['balance']} to {after['balance']}"
        said = f"the wallet is {gone} poorer, the campaign cost {money['spent']}: was something else sent meanwhile?"
        say("", balances + self.agree(gone == Decimal(money["spent"]), said, "which is what was spent"))

    # --- the witnesses

    def ask_carrier(self, campaign: Mapping[str, Any], carrier: CarrierLog) -> None:
        if not carrier.exists:
            return say("Carrier", "keeps no log here: another carrier is connected")
        messages = self.api.pages("messages", "messages", campaign=campaign["id"])
        numbers = [message["to"] for message in messages if message["status"] != "blocked"]
        testimony = carrier.about(numbers)
        missing = {number.lstrip("+") for number in numbers} - testimony.handed_over.keys()
        doubled = testimony.more_than_once()
        wrong = f"the carrier saw {len(doubled)} numbers more than once and {len(missing)} never"
        said = f"its own log has {testimony.handed_over.total():,} submits for {len(numbers):,} messages"
        return say("Carrier", said + self.agree(not doubled and not missing, wrong, "each exactly once"))

    def check_books(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if name not in LAUNCHER_ONLY}
        checked = subprocess.run(
            [sys.executable, "manage.py", "check_books"],
            cwd=HOUSE,
            env={**inherited, **self.house.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        said = (checked.stdout or checked.stderr).strip().splitlines()
        say("Books", said[-1] if said else "check_books said nothing")
        self.agree(checked.returncode == 0, "check_books found something", "")

    def agree(self, is_so: bool, otherwise: str, said: str) -> str:
        """Note a disagreement; what to add to the line."""
        if is_so:
            return f": {said}" if said else ""
        self.disagreements.append(otherwise)
        return f": NO, {otherwise}"


def is_going_on(campaign: Mapping[str, Any]) -> bool:
    """Whether anything of it is still to come: recipients to accept, messages to hand over, receipts."""
    if campaign["status"] not in ENDED:
        return True
    progress = campaign["progress"]
    return bool(progress["waiting"] or (campaign["status"] == "sent" and progress["not_sent"]))


def wealth(balance: Mapping[str, Any]) -> Decimal:
    """What is in the wallet and what is set aside."""
    return Decimal(balance["balance"]) + Decimal(balance["held"])


def counts(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{code} {count:,}" for code, count in sorted(numbers.items(), key=lambda pair: -pair[1]))


# --- at the terminal


def say(scene: str, text: str) -> None:
    sys.stdout.write(f"{scene:>10}  {text}\n")
    sys.stdout.flush()


def live_line(campaign: Mapping[str, Any], seconds: float) -> None:
    """One line that is written over; nothing where the output is no terminal."""
    if not sys.stdout.isatty():
        return
    progress = campaign["progress"]
    done = "█" * (BAR * progress["percent"] // 100)
    sys.stdout.write(
        f"\r\x1b[K{'':>10}  {done:░<{BAR}} {progress['percent']:3} %  {progress['handed_over']:,} handed over,"
        f" {progress['delivered']:,} delivered, {progress['failed']:,} failed, {progress['waiting']:,} waiting, {seconds:.0f} s"
    )
    sys.stdout.flush()


def end_live_line() -> None:
    if sys.stdout.isatty():
        sys.stdout.write("\r\x1b[K")
