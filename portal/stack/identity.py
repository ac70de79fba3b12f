"""Under which user the servers run.  PostgreSQL refuses root, so as root they run as `nobody`."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from portal.stack.errors import StackError


@dataclass(frozen=True)
class Identity:
    """The user a server runs as; `None` in both fields means the launcher's own."""

    uid: int | None = None
    gid: int | None = None
    name: str = ""

    @property
    def is_other(self) -> bool:
        return self.uid is not None

    def popen_options(self) -> dict:
        """What subprocess needs to become this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}

    def own(self, path: Path) -> None:
        """Give this user a file or folder; nobody else gains anything by it."""
        if self.is_other:
            os.chown(path, self.uid, self.gid)

    def can_reach(self, path: Path) -> bool:
        """Whether this user can come to `path` through all folders above it."""
        check = subprocess.run(["/bin/sh", "-c", 'test -x "$0"', path], cwd="/", check=False, **self.popen_options())
        return check.returncode == 0


def server_identity() -> Identity:
    """The user for PostgreSQL and Valkey: the present one, or `nobody` when that is root."""
    if os.geteuid() != 0:
        return Identity()
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise StackError("Run as root, PostgreSQL needs the user 'nobody', which this system lacks.") from error
    return Identity(uid=entry.pw_uid, gid=entry.pw_gid, name=entry.pw_name)
