"""Kannel, Debian's, with its receipts' whereabouts in memory or in PostgreSQL: installed, configured, run."""

import http.client
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from bench.house import ROOT, WentWrong, wait_until
from portal.stack.identity import server_identity
from portal.stack.keyring import Keyring
from portal.stack.layout import Layout
from portal.stack.ports import any_free
from portal.stack.postgres import Postgres
from portal.stack.processes import Part

VAR = ROOT / "var" / "bench" / "peers"
PACKAGES = ("kannel", "kannel-extras")
WINDOW = 100
ERRORS = "3"  # a log level of Kannel's
PASSWORD = "bench"  # noqa: S105  of a Kannel that listens on loopback for a minute

#: Kannel looks rows up by PostgreSQL's former row numbers, which a column of that name gives back.
DLR_TABLE = """
CREATE TABLE IF NOT EXISTS dlr (
    oid bigserial PRIMARY KEY, smsc varchar(40), ts varchar(65), destination varchar(40), source varchar(40),
    service varchar(40), url varchar(255), mask integer, status integer, boxc varchar(40)
);
CREATE INDEX IF NOT EXISTS dlr_by_reference ON dlr (smsc, ts);
TRUNCATE dlr;
"""


@dataclass
class Kannel:
    """A running Kannel: where to send, where its carrier and its sink are, its processes."""

    ports: dict[str, int]
    carrier_log: Path
    parts: dict[str, subprocess.Popen | Part] = field(default_factory=dict)

    @property
    def pids(self) -> dict[str, int]:
        return {name: part.pid for name, part in self.parts.items() if part.pid}


def install() -> None:
    """See that Kannel is there.  Raises WentWrong, saying what to do, where it cannot be had."""
    if shutil.which("bearerbox") and shutil.which("smsbox"):
        return
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or not apt:
        raise WentWrong(f"Kannel is not installed: as root, `apt-get install {' '.join(PACKAGES)}`, then again")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
        subprocess.run([apt, *words], env=environment, stdout=subprocess.DEVNULL, check=True, timeout=600)


@contextmanager
def running(storage: str) -> Iterator[Kannel]:
    """A fresh Kannel with `internal` or `pgsql` storage, bound to a demo carrier of its own; stopped at the end."""
    VAR.mkdir(parents=True, exist_ok=True)
    ports = {name: any_free() for name in ("admin", "smsbox", "sendsms", "carrier", "control", "sink")}
    log = VAR / "carrier-submits.jsonl"
    log.unlink(missing_ok=True)
    kannel = Kannel(ports, log)
    with ExitStack() as stack:
        database = stack.enter_context(postgres(kannel)) if storage == "pgsql" else ""
        start(stack, kannel, "carrier", *carrier_command(ports, log))
        start(stack, kannel, "sink", sys.executable, "-m", "bench.peers.sink", str(ports["sink"]))
        conf = VAR / f"kannel-{storage}.conf"
        conf.write_text(configuration(ports, storage, database))
        wait_until(lambda: ask(ports["control"], "/stats") is not None, 30, "the carrier listens")
        start_box(stack, kannel, "bearerbox", conf)
        wait_until(lambda: ask(ports["admin"], "/status.txt") is not None, 30, "Kannel's bearerbox answers")
        start_box(stack, kannel, "smsbox", conf)
        wait_until(lambda: ask(ports["sendsms"], "/") is not None, 30, "Kannel's smsbox answers")
        wait_until(lambda: b"online" in (ask(ports["admin"], "/status.txt") or b""), 30, "Kannel is bound")
        yield kannel


def start_box(stack: ExitStack, kannel: Kannel, name: str, conf: Path) -> None:
    """One of Kannel's programs.  Unless told otherwise it also writes a debug line for all it does to its standard error."""
    start(stack, kannel, name, shutil.which(name) or name, "--verbosity", ERRORS, str(conf))


def start(stack: ExitStack, kannel: Kannel, name: str, *argv: str) -> None:
    with (VAR / f"{name}.log").open("wb") as output:
        process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    kannel.parts[name] = process
    stack.callback(stop, process)


def stop(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def carrier_command(ports: dict[str, int], log: Path) -> list[str]:
    return [
        sys.executable, "-m", "portal.stack.carrier", "--port", str(ports["carrier"]),
        "--control-port", str(ports["control"]), "--log", str(log), "--durable-log",
    ]  # fmt: skip


@contextmanager
def postgres(kannel: Kannel) -> Iterator[str]:
    """A PostgreSQL of Kannel's own, with the settings of ours; the lines that tell Kannel where it is."""
    layout = Layout(var=VAR / "store", identity=server_identity())
    layout.make()
    server = Postgres(layout, Keyring(layout.secret))
    server.prepare()
    part = Part(server.spec(), layout.log)
    part.start()
    kannel.parts["postgres"] = part
    try:
        wait_until(server.is_ready, 60, "Kannel's PostgreSQL is ready")
        with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
            connection.execute(DLR_TABLE)
        password = server.keyring.password("postgres-admin")
        yield POSTGRES.format(host=layout.postgres_socket, password=password)
    finally:
        part.ask_to_stop()
        part.process.wait(60)


def ask(port: int, path: str) -> bytes | None:
    """What it answers; None while it does not."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def sending(ports: dict[str, int], *, to: str, text: str, id: int) -> str:
    """The address that sends one message and names where its receipt goes."""
    callback = quote(f"http://127.0.0.1:{ports['sink']}/dlr?id={id}&status=%d", safe="")
    return (
        f"/cgi-bin/sendsms?username=bench&password={PASSWORD}&from=Meadowlark&to={quote(to)}"
        f"&text={quote(text)}&dlr-mask=3&dlr-url={callback}"
    )


def configuration(ports: dict[str, int], storage: str, database: str) -> str:
    return CORE.format(**ports, storage=storage, window=WINDOW, password=PASSWORD, log=VAR) + database


CORE = """
group = core
admin-port = {admin}
admin-password = {password}
smsbox-port = {smsbox}
box-allow-ip = "127.0.0.1"
log-file = "{log}/bearerbox-kannel.log"
log-level = 2
dlr-storage = {storage}

group = smsc
smsc = smpp
smsc-id = demo
host = 127.0.0.1
port = {carrier}
transceiver-mode = true
smsc-username = demo
smsc-password = demo1234
system-type = ""
source-addr-autodetect = true
max-pending-submits = {window}

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
log-file = "{log}/smsbox-kannel.log"
log-level = 2

group = sendsms-user
username = bench
password = {password}
max-messages = 10
concatenation = true
"""

POSTGRES = """
group = pgsql-connection
id = dlr-db
host = "{host}"
username = postgres
password = "{password}"
database = postgres
max-connections = 8

group = dlr-db
id = dlr-db
table = dlr
field-smsc = smsc
field-timestamp = ts
field-destination = destination
field-source = source
field-service = service
field-url = url
field-mask = mask
field-status = status
field-boxc-id = boxc
"""
