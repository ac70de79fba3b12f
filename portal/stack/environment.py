"""What each process finds in its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from portal.stack.keyring import Keyring
from portal.stack.layout import HOUSE, Layout
from portal.stack.stores import Endpoints

#: The three kinds of process; each connects to the database as another login.
Role = Literal["owner", "web", "worker"]
ROLES: tuple[Role, ...] = ("owner", "web", "worker")

#: Only the launcher needs these; a process sees the one address that is its own.
LAUNCHER_ONLY = {"DATABASE_WEB_URL", "DATABASE_WORKER_URL"}

SANDBOX_KEY = "sk_test_sandbox00"


@dataclass(frozen=True)
class Surroundings:
    """The variables we add for every process, and the database address that differs by role."""

    common: Mapping[str, str]
    endpoints: Endpoints

    def added(self, role: Role) -> dict[str, str]:
        """Only what we add: enough for a command beside the running house to find its way."""
        return {**self.common, "DATABASE_URL": getattr(self.endpoints, role)}

    def whole(self, role: Role) -> dict[str, str]:
        """Everything the process gets: ours over the operator's."""
        inherited = {name: value for name, value in os.environ.items() if name not in LAUNCHER_ONLY}
        return {**inherited, **self.added(role)}


def surroundings(
    layout: Layout,
    keyring: Keyring,
    endpoints: Endpoints,
    *,
    environment: Mapping[str, str],
    settings_module: str,
    extra: Mapping[str, str],
) -> Surroundings:
    """Our variables, each only where the operator has not set it, but for the addresses, which are final by now."""
    defaults = {
        "SIGNALBOX_SECRET_KEY": keyring.password("django"),
        "SIGNALBOX_FIELD_KEY": keyring.field_key("field-key"),
        **extra,
    }
    fixed = {
        "DJANGO_SETTINGS_MODULE": settings_module,
        "SIGNALBOX_VAR": str(layout.var),
        "CELERY_BROKER_URL": endpoints.broker,
        "CACHE_URL": endpoints.cache,
        "PYTHONPATH": str(HOUSE),
        "PYTHONUNBUFFERED": "1",
    }
    return Surroundings(
        common={name: environment.get(name) or value for name, value in defaults.items()} | fixed, endpoints=endpoints
    )
