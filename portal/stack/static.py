"""Whether the gathered static files are still those of the sources."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from portal.stack.layout import HOUSE, Layout


class StaticStamp:
    """Remembers from which sources the static files were gathered last: ours by size and time, others by the lock."""

    def __init__(self, layout: Layout) -> None:
        self.path = layout.var / "static.stamp"
        self.gathered = layout.var / "static"
        self.present = fingerprint(skip=layout.var)

    def is_current(self) -> bool:
        try:
            return self.gathered.is_dir() and self.path.read_text() == self.present
        except OSError:
            return False

    def write(self) -> None:
        self.path.write_text(self.present)


def fingerprint(*, skip: Path) -> str:
    digest = hashlib.sha256((HOUSE / "requirements.txt").read_bytes())
    for path in sources(skip=skip):
        found = path.stat()
        digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def sources(*, skip: Path) -> Iterator[Path]:
    """Every file in a `static` folder of ours, in a stable order."""
    for folder, names, files in os.walk(HOUSE):
        names[:] = sorted(name for name in names if name[0] != "." and Path(folder, name) != skip)
        if "static" in Path(folder).relative_to(HOUSE).parts:
            yield from (Path(folder, name) for name in sorted(files))
