"""Makes the virtual environment with nothing but the standard library, then hands over to `portal.stack` inside it.

Called by bin/up, bin/demo, bin/test and bin/run.  A second call with unchanged requirements installs nothing and costs
a few hundredths of a second.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
VENV = HOUSE / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
INSTALLER = HOUSE / "bin" / "installer.txt"

#: What each command needs installed, and the files that are complete once it is.
RUNTIME = ("requirements.txt",)
DEVELOPMENT = ("requirements.txt", "requirements-dev.txt")
NEEDS = {"up": RUNTIME, "demo": RUNTIME, "test": DEVELOPMENT, "run": DEVELOPMENT}


class Refusal(Exception):
    """Why the environment cannot be made, in one sentence for the person at the keyboard."""


def main(command, arguments):
    try:
        with one_at_a_time():
            ensure_environment(NEEDS[command])
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped while installing; the next start takes up from here.", file=sys.stderr)
        return 1
    os.environ["PYTHONPATH"] = str(HOUSE)
    os.environ["PATH"] = str(PYTHON.parent) + os.pathsep + os.environ.get("PATH", os.defpath)
    return os.execv(PYTHON, [str(PYTHON), "-m", "portal.stack", command, *arguments])  # noqa: S606  it takes our place


@contextmanager
def one_at_a_time():
    """Hold the right to change the environment, so that two commands at once do not install over each other."""
    try:
        folder = os.open(HOUSE, os.O_RDONLY)
    except OSError as error:
        raise Refusal(f"{HOUSE} cannot be read ({error.strerror}): give this user access to it.") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def ensure_environment(files):
    """Leave a working environment with exactly the locked packages, doing only what is still missing."""
    wanted = {name: digest_of(HOUSE / name) for name in files}
    usable = is_usable()
    if usable and wanted.items() <= read_stamp().items():
        return
    if not usable:
        make_environment()
    install(HOUSE / files[-1])
    write_stamp({**read_stamp(), **wanted})


def digest_of(path):
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise Refusal(f"{path} cannot be read ({error.strerror}): is this a whole copy of the project?") from error


def is_usable():
    """Whether the environment's own Python still runs; it stops doing so when the folder or the system's moved."""
    check = "import sys; sys.exit(sys.version_info < (3, 11) or sys.prefix != sys.argv[1])"
    try:
        return subprocess.run([PYTHON, "-c", check, VENV], stderr=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def make_environment():
    say("making the virtual environment in .venv")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", VENV], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if made.returncode:
        raise Refusal(why_no_environment(made.stdout.decode(errors="replace")))


def why_no_environment(output):
    if not os.access(HOUSE, os.W_OK):
        return f"{HOUSE} cannot be written, so .venv cannot be made there: give this user the folder."
    if "ensurepip" in output or "No module named venv" in output:
        return "This Python lacks the venv module: install it (on Debian and Ubuntu: apt-get install python3-venv)."
    return f"The virtual environment could not be made: {last_line(output)}"


def install(requirements):
    """Install with uv, which pip brings, because it is several times faster; with pip alone where uv cannot."""
    say(f"installing the packages of {requirements.name} (the first time takes up to a minute)")
    if run(pip("install", "--quiet", "--require-hashes", "-r", INSTALLER)) and run(uv("install", requirements)):
        return say("installed")
    say("uv could not install them; trying pip, which is slower")
    if run(pip("install", "--require-hashes", "-r", requirements)):
        return say("installed")
    raise Refusal(
        f"The packages of {requirements.name} could not be installed: the lines above say which one and why "
        "(no network, a proxy, or no wheel for this system); run the command again when that is mended."
    )


def pip(*arguments):
    return [PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments]


def uv(action, requirements):
    return [PYTHON, "-m", "uv", "pip", action, "--python", PYTHON, "--require-hashes", "-r", requirements]


def run(command):
    return subprocess.run(command, cwd=HOUSE, stdin=subprocess.DEVNULL, check=False).returncode == 0


def read_stamp():
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def write_stamp(stamp):
    STAMP.write_text(json.dumps(stamp, indent=1))


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it gave no reason."


STARTED = time.monotonic()


def say(what):
    print(f"[{time.monotonic() - STARTED:6.1f}s] {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
