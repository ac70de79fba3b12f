"""The browser for the browser tests: the one that is there, else Debian's where we may install it."""

import os
import shutil
import subprocess

from portal.stack.console import Console

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium(console: Console) -> str:
    """The browser's path; empty, after saying so, when there is none and none can be had."""
    found = os.environ.get("SIGNALBOX_CHROMIUM") or installed()
    if not found and may_install():
        console.say("installing Chromium for the browser tests")
        install()
        found = installed()
    if not found:
        console.say(f"Browser tests will not be run: none of {', '.join(NAMES)} was found; install one to run them.")
    return found


def installed() -> str:
    return next((path for name in NAMES if (path := shutil.which(name))), "")


def may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and os.path.exists("/etc/debian_version")


def install() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        command = ["apt-get", *arguments]
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
