"""`bin/up`: from nothing to a house that answers, and then keeping it alive."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.stack import ports
from portal.stack.console import Console
from portal.stack.environment import ROLES, SANDBOX_KEY, Surroundings, surroundings
from portal.stack.errors import StackError, StopRequested
from portal.stack.health import is_healthy
from portal.stack.house import House
from portal.stack.keyring import Keyring
from portal.stack.layout import HOUSE, Layout, layout_from, take_lock, wipe
from portal.stack.outside import carrier, needs_sandbox, stripe_sandbox
from portal.stack.signals import Signals
from portal.stack.statefile import StateFile
from portal.stack.static import StaticStamp
from portal.stack.stores import Endpoints, External, Stores, external_from
from portal.stack.supervisor import Supervisor
from portal.stack.survivors import clear_survivors
from portal.stack.welcome import ACCOUNTS, welcome

READY_SECONDS = 120


@dataclass(frozen=True)
class Options:
    """What the person asked for on the command line."""

    port: int | None = None
    reset: bool = False
    seed: bool = False


def up(options: Options, environment: Mapping[str, str] = os.environ) -> int:
    """Start everything and stay until asked to stop.  Raises StackError when that cannot be done."""
    console = Console()
    layout = layout_from(environment)
    external = external_from(environment)
    lock = take_lock(layout)
    with lock, Signals() as signals:
        clear_survivors(StateFile(layout.run / "stack.json"), console=console, signals=signals)
        if options.reset:
            reset(layout, external, console)
        port = ports.web_port(options.port, environment.get("PORT", ""))
        layout.make()
        return Startup(options, port, layout, external, environment, console, signals).run()


def reset(layout: Layout, external: External, console: Console) -> None:
    """Delete what the embedded default keeps.  Refused for an external database, whose secrets are kept here."""
    if external.has_database:
        raise StackError(
            f"--reset would delete the keys in {layout.secret} that the database at DATABASE_URL needs: "
            "unset DATABASE_URL, or delete that folder yourself."
        )
    doomed = wipe(layout)
    console.say(f"deleted in {layout.var}: " + (", ".join(path.name for path in doomed) or "nothing, it was empty"))


class Startup:
    """One start of the house, step by step."""

    def __init__(
        self,
        options: Options,
        port: int,
        layout: Layout,
        external: External,
        environment: Mapping[str, str],
        console: Console,
        signals: Signals,
    ) -> None:
        self.options = options
        self.port = port
        self.layout = layout
        self.external = external
        self.environment = environment
        self.console = console
        self.keyring = Keyring(layout.secret)
        self.state = StateFile(layout.run / "stack.json")
        self.supervisor = Supervisor(
            console=console, signals=signals, log_folder=layout.log, on_change=self.state.write
        )

    def run(self) -> int:
        try:
            self.bring_up()
            self.supervisor.keep_alive()
        except StopRequested:
            self.console.say("stopping before everything was up")
        finally:
            self.console.say("stopping (Ctrl-C again to force)")
            self.supervisor.stop()
            self.state.remove()
            self.console.say("stopped; all data is kept")
        return 0

    def bring_up(self) -> None:
        endpoints = self.start_stores()
        house = House(self.layout, self.surroundings(endpoints))
        self.state.facts = self.facts(house.surroundings)
        self.prepare(house)
        self.start_outside(house)
        self.seed(house)
        self.start_inside(house)
        self.console.show(welcome(self.layout.var, base_url=self.base_url))

    @property
    def base_url(self) -> str:
        return self.environment.get("SIGNALBOX_BASE_URL") or f"http://{ports.HOST}:{self.port}"

    def start_stores(self) -> Endpoints:
        stores = Stores(self.layout, self.keyring, self.external)
        names = {"postgres": "PostgreSQL", "valkey": "Valkey"}
        starting = [names[server.spec().name] for server in stores.embedded]
        if starting:
            self.console.say("starting " + " and ".join(starting))
        if self.layout.sockets != self.layout.run:
            self.console.say(f"the path of var/ is too long for sockets, so they are in {self.layout.sockets}")
        endpoints = stores.start(self.supervisor)
        self.console.say("database and broker ready")
        return endpoints

    def surroundings(self, endpoints: Endpoints) -> Surroundings:
        kept = ports.KeptPorts(self.layout.var / "ports.json")
        self.ports = {
            "web": self.port,
            "carrier": self.carrier_port(kept),
            "carrier_control": kept.get("carrier_control", ports.CARRIER_CONTROL),
        }
        extra = {"SIGNALBOX_BASE_URL": self.base_url, "DEMO_CARRIER_PORT": str(self.ports["carrier"])}
        if needs_sandbox(self.environment):
            self.ports["stripe"] = kept.get("stripe", ports.STRIPE)
            extra |= {
                "STRIPE_API_BASE": f"http://{ports.HOST}:{self.ports['stripe']}",
                "STRIPE_API_KEY": SANDBOX_KEY,
                "STRIPE_WEBHOOK_SECRET": "whsec_" + self.keyring.password("stripe-webhook"),
            }
        return surroundings(
            self.layout,
            self.keyring,
            endpoints,
            environment=self.environment,
            settings_module=self.environment.get("DJANGO_SETTINGS_MODULE") or "portal.settings.dev",
            extra=extra,
        )

    def carrier_port(self, kept: ports.KeptPorts) -> int:
        asked = self.environment.get("DEMO_CARRIER_PORT")
        return ports.asked_port(asked, "DEMO_CARRIER_PORT") if asked else kept.get("carrier", ports.CARRIER)

    def facts(self, around: Surroundings) -> dict:
        added = {role: around.added(role) for role in ROLES}
        return {
            "base_url": self.base_url,
            "var": str(self.layout.var),
            "ports": self.ports,
            "database_urls": {role: added[role]["DATABASE_URL"] for role in ROLES},
            "environment": added,
        }

    def prepare(self, house: House) -> None:
        """Bring the tables up to date and, where they changed, gather the static files."""
        stamp = StaticStamp(self.layout)
        steps = [house.migrate()]
        if not stamp.is_current():
            steps.append(house.collectstatic())
        self.console.say("updating tables" + (" and gathering static files" if len(steps) > 1 else ""))
        self.supervisor.run_steps(steps)
        stamp.write()

    def start_outside(self, house: House) -> None:
        self.supervisor.start(carrier(house, self.ports["carrier"], self.ports["carrier_control"]))
        if "stripe" in self.ports:
            own_address = f"http://{ports.HOST}:{self.port}"  # also when people reach the console by another name
            self.supervisor.start(stripe_sandbox(house, self.ports["stripe"], own_address))

    def seed(self, house: House) -> None:
        """Plant the demo world once.  Somebody's own database gets it only when asked."""
        wanted = self.options.seed or not self.external.has_database
        if not wanted or (self.layout.var / ACCOUNTS).exists() or not can_seed():
            return
        self.console.say("planting the demo world")
        self.supervisor.run_steps([house.seed()])

    def start_inside(self, house: House) -> None:
        """Start the console first: the workers, whose start takes both cores for seconds, wait until it answers."""
        self.console.say("starting the console")
        self.supervisor.start(house.web(self.port))
        self.supervisor.wait_until("The console", lambda: is_healthy(self.port), seconds=READY_SECONDS)
        for spec in (*house.workers(), house.beat()):
            self.supervisor.start(spec)
        self.console.say("ready; workers follow within seconds")


def can_seed() -> bool:
    return any(Path(HOUSE).glob("**/management/commands/seed_demo.py"))
