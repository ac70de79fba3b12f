"""Which ports the house listens on, all on the loopback address."""

import json
import socket
from pathlib import Path

from portal.stack.errors import StackError
from portal.stack.keyring import write_private

HOST = "127.0.0.1"
WEB, CARRIER, CARRIER_CONTROL, STRIPE = 8000, 2775, 2776, 12111


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def any_free() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def web_port(asked: int | None, environment_port: str) -> int:
    """The port of the console: the option, else PORT, else 8000.  Raises StackError when it cannot be had."""
    if asked is None and environment_port:
        return asked_port(environment_port, "PORT")
    port = refuse_impossible(WEB if asked is None else asked)
    if not is_free(port):
        raise StackError(
            f"Port {port} is in use by another program (or, below 1024, needs root): "
            f"choose another with bin/up --port {max(port + 1, 8001)}."
        )
    return port


def asked_port(text: str, variable: str) -> int:
    """The port an environment variable names.  Raises StackError when it is none, or taken."""
    if not text.isdecimal():
        raise StackError(f"{variable} is '{text}', which is not a number.")
    port = refuse_impossible(int(text))
    if not is_free(port):
        raise StackError(f"Port {port} is in use by another program: set {variable} to another.")
    return port


def refuse_impossible(port: int) -> int:
    if not 0 < port < 65536:
        raise StackError(f"{port} is not a port: choose one from 1 to 65535.")
    return port


class KeptPorts:
    """Ports picked at the first start and kept, because rows in the database name them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str, preferred: int) -> int:
        """The port of that name, free at this moment."""
        kept = self._read()
        if name in kept:
            return refuse_taken(kept[name], name)
        kept[name] = preferred if is_free(preferred) else any_free()
        write_private(self.path, json.dumps(kept))
        return kept[name]

    def _read(self) -> dict[str, int]:
        try:
            return json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}


def refuse_taken(port: int, name: str) -> int:
    if not is_free(port):
        raise StackError(
            f"Port {port}, where this installation has its {name}, is in use by another program: end that."
        )
    return port
