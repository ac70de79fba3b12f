"""The embedded Valkey: doorbells and cache behind a private socket and a password, appended to disk every second."""

import os
import socket
from urllib.parse import quote

from portal.stack.binaries import valkey_program
from portal.stack.keyring import Keyring, write_private
from portal.stack.layout import Layout
from portal.stack.postgres import plain_environment
from portal.stack.processes import Spec, Stage

#: Full memory refuses writes instead of dropping what is queued.
SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": '""',
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
    "always-show-logo": "no",
}

FLEETING = {"appendonly": "no"}


class Valkey:
    """The server of one layout.  Its password is in the keyring and in a configuration file only it can read."""

    def __init__(self, layout: Layout, keyring: Keyring, *, settings: dict[str, str] = SETTINGS) -> None:
        self.layout = layout
        self.settings = settings
        self.password = keyring.password("valkey")
        self.program = valkey_program(layout)
        self.configuration = layout.run / "valkey.conf"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://:{quote(self.password)}@{self._quoted_socket}?virtual_host=0"

    @property
    def cache_url(self) -> str:
        return f"unix://:{quote(self.password)}@{self._quoted_socket}?db=1"

    @property
    def _quoted_socket(self) -> str:
        return quote(str(self.layout.valkey_socket))

    def prepare(self) -> None:
        lines = {
            **self.settings,
            "unixsocket": f'"{self.layout.valkey_socket}"',
            "dir": f'"{self.layout.valkey}"',
            "requirepass": self.password,
        }
        write_private(self.configuration, "".join(f"{name} {value}\n" for name, value in lines.items()))
        self.layout.identity.own(self.configuration)

    def spec(self) -> Spec:
        return Spec(
            name="valkey",
            argv=(self.program, self.configuration),
            environment=plain_environment(),
            folder=self.layout.valkey,
            stage=Stage.STORES,
            identity=self.layout.identity,
            grace_seconds=30,
        )

    def is_ready(self) -> bool:
        """Whether it answers; while it reads its log back it answers with an error, which is not ready."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(os.fspath(self.layout.valkey_socket))
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    piece = connection.recv(256)
                    if not piece:
                        return False
                    answer += piece
        except OSError:
            return False
        return b"+PONG" in answer
