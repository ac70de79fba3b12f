"""How many messages a second the whole house accepts, hands to the demo carrier and settles, and what each costs.

    .venv/bin/python bench/throughput.py [--messages 20000] [--batch 500] [--connections 2]

Starts a house of its own (data under var/bench, thrown away first), sends through the HTTP API as the demo customer with
default durable settings, waits until every message is final, then asks `check_books` and the carrier's own log.  Load,
house and carrier share the machine, so figures belong to this machine only; a run during which other processes took
more than 0.2 cores says so.
"""

import argparse
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
VAR = ROOT / "var" / "bench"
TICKS = os.sysconf("SC_CLK_TCK")
FOREIGN_CORES_ALLOWED = 0.2


@contextmanager
def house(port: int) -> Iterator[dict[str, Any]]:
    """A fresh house, ready; its state file's content."""
    shutil.rmtree(VAR, ignore_errors=True)
    environment = {**os.environ, "SIGNALBOX_VAR": str(VAR)}
    argv = [sys.executable, "-m", "portal.stack", "up", "--port", str(port)]
    launcher = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: launcher.poll() is not None or is_ready(port), 180, "the house is ready")
        if launcher.poll() is not None:
            sys.exit(f"the house did not start; see {VAR / 'log'}")
        wait_until(are_workers_ready, 120, "the workers are ready")
        yield state()
    finally:
        launcher.send_signal(signal.SIGTERM)
        launcher.wait(90)


def state() -> dict[str, Any]:
    return json.loads((VAR / "run" / "stack.json").read_text())


def are_workers_ready() -> bool:
    """Whether each set of workers has said so: their start-up is not the messages' cost."""
    from portal.queues import QUEUES

    logs = [VAR / "log" / f"worker-{queue}.log" for queue in QUEUES]
    return all(log.exists() and " ready." in log.read_text() for log in logs)


def is_ready(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def wait_until(true, seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            sys.exit(f"waited {seconds:.0f} s for this: {what}")
        time.sleep(0.2)


# --- the database side, as the workers see it


def connect(facts: dict[str, Any]) -> None:
    os.environ.update(facts["environment"]["worker"])
    import django

    django.setup()


def prepare(messages: int) -> dict[str, str]:
    """Money for the run, and what a request needs: the demo customer's key, template, sender and values."""
    from accounts.models import Organisation
    from billing.ledger.actions import account_of, transfer
    from billing.ledger.models import Account, Reason
    from kit import tenancy
    from kit.money import money
    from messaging.content.models import SenderId, TemplateVersion

    accounts = json.loads((VAR / "demo-accounts.json").read_text())
    key = next(one["password"] for one in accounts if one.get("kind") == "live_key")
    name = next(one["email"] for one in accounts if one.get("kind") == "live_key")
    with tenancy.as_engine():
        customer = Organisation.objects.get(name=name)
        operator = Organisation.objects.get(kind="operator")
        transfer(
            source=account_of(operator, Account.Kind.CLEARING, customer.currency),
            target=account_of(customer, Account.Kind.WALLET, customer.currency),
            amount=money(messages),
            reason=Reason.TOP_UP,
            reference=f"bench:{time.time_ns()}",
        )
        versions = TemplateVersion.objects.filter(organisation=customer, status="approved").select_related("template")
        version = min(versions, key=lambda one: (one.template.category != "notice", len(one.body)))
        sender = SenderId.objects.filter(organisation=customer, status="approved").first()
    values = {row["name"]: row["example"] for row in version.variables}
    return {"key": key, "template": str(version.pk), "sender": str(sender.pk), "values": values,
            "organisation": str(customer.pk)}  # fmt: skip


def statuses(organisation: str) -> Counter:
    from django.db.models import Count

    from kit import tenancy
    from messaging.engine.models import Message

    with tenancy.as_engine():
        counted = Message.objects.filter(organisation_id=organisation).values_list("status").annotate(n=Count("*"))
        return Counter(dict(counted))


def final_count(organisation: str) -> int:
    return sum(count for status, count in statuses(organisation).items() if status >= 90)


def moment_of(organisation: str, column: str) -> float:
    """When the last message got there, in Unix seconds: the clock of the database, which is this machine's."""
    from django.db.models import Max

    from kit import tenancy
    from messaging.engine.models import Message

    with tenancy.as_engine():
        return Message.objects.filter(organisation_id=organisation).aggregate(last=Max(column))["last"].timestamp()


# --- load


def load(facts: dict[str, Any], prepared: dict[str, Any], messages: int, batch: int, connections: int) -> list[float]:
    """Send everything; the latency of each request in seconds."""
    starts = iter(range(0, messages, batch))
    lock, latencies, refusals = threading.Lock(), [], []
    headers = {"Authorization": f"Bearer {prepared['key']}", "Content-Type": "application/json"}

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", facts["ports"]["web"], timeout=60)
        while True:
            with lock:
                first = next(starts, None)
            if first is None:
                return
            numbers = range(first, min(first + batch, messages))
            body = {
                "template": prepared["template"],
                "sender": prepared["sender"],
                "messages": [{"to": f"+86138{n:08d}", "variables": prepared["values"]} for n in numbers],
            }
            before = time.monotonic()
            connection.request("POST", "/api/v1/messages", json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 202:
                refusals.append(f"{answer.status}: {text[:500]!r}")
                return
            latencies.append(time.monotonic() - before)

    threads = [threading.Thread(target=client) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refusals:
        sys.exit(refusals[0])
    return sorted(latencies)


def messages_seconds(messages: int) -> float:
    """How long a run may take before something must be wrong: a hundred messages a second."""
    return messages / 100


# --- measuring


def cpu_seconds() -> Counter:
    """CPU of each part of the house, children and finished children included."""
    return Counter({name: _tree(pid, _seconds) for name, pid in state()["pids"].items()})


def memory_mib() -> dict[str, float]:
    """Proportional memory (PSS) of each part, in MiB."""
    return {name: _tree(pid, _pss_kib) / 1024 for name, pid in state()["pids"].items()}


def _tree(pid: int, figure) -> float:
    try:
        children = [
            int(child)
            for task in os.listdir(f"/proc/{pid}/task")
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()
        ]
        return figure(pid) + sum(_tree(child, figure) for child in children)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[place]) for place in (11, 12, 13, 14)) / TICKS


def _pss_kib(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def machine_seconds() -> float:
    """CPU the whole machine has spent, idle and waiting apart."""
    user, nice, system, _idle, _wait, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / TICKS


def own_seconds() -> float:
    used = os.times()
    return used.user + used.system


def carrier_agrees(messages: int) -> str:
    """What the carrier's own log says: how many submits it took, how many destinations more than once."""
    log = VAR / "log" / "carrier-submits.jsonl"
    taken = Counter()
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        if not entry.get("status"):
            taken[entry["destination"]] += 1
    twice = sum(1 for count in taken.values() if count > 1)
    return f"{sum(taken.values())} submits taken, {len(taken)} numbers, {twice} more than once"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--port", type=int, default=8101)
    asked = parser.parse_args()
    with house(asked.port) as facts:
        connect(facts)
        prepared = prepare(asked.messages)
        run(facts, prepared, asked)


def run(facts: dict[str, Any], prepared: dict[str, Any], asked: argparse.Namespace) -> None:
    total = asked.messages
    cpu, machine, own, began = cpu_seconds(), machine_seconds(), own_seconds(), time.time()
    latencies = load(facts, prepared, total, asked.batch, asked.connections)
    accepted = time.time()
    peak = sum(memory_mib().values())
    organisation = prepared["organisation"]
    wait_until(lambda: final_count(organisation) >= total, 60 + messages_seconds(total), "all final")
    wall = time.time() - began
    spent = cpu_seconds() - cpu
    foreign = (machine_seconds() - machine - sum(spent.values()) - (own_seconds() - own)) / wall
    submitted, settled = (moment_of(prepared["organisation"], column) for column in ("submitted_at", "final_at"))
    print(f"{total} messages in requests of {asked.batch} over {asked.connections} connections")
    print(f"accepted  {total / (accepted - began):7.0f}/s")
    print(f"submitted {total / (submitted - began):7.0f}/s")
    print(f"settled   {total / (settled - began):7.0f}/s")
    print(
        f"request p50 {latencies[len(latencies) // 2] * 1000:.0f} ms, p99 {latencies[int(len(latencies) * 0.99)] * 1000:.0f} ms"
    )
    for name, seconds in spent.most_common():
        if seconds / total > 1e-6:
            print(f"  {name:<18} {seconds / total * 1e6:6.0f} µs of CPU a message")
    print(f"  {'together':<18} {sum(spent.values()) / total * 1e6:6.0f} µs, memory {peak:.0f} MiB (PSS, all processes)")
    verdict = "fit to compare" if foreign <= FOREIGN_CORES_ALLOWED else "NOT fit to compare"
    print(f"others took {foreign:.2f} cores meanwhile: {verdict}")
    print(f"states {dict(sorted(statuses(prepared['organisation']).items()))}; carrier: {carrier_agrees(total)}")
    environment = {**os.environ, **facts["environment"]["worker"]}
    subprocess.run([sys.executable, "manage.py", "check_books"], cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    main()
