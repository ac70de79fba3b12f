"""`python -m portal.stack up | demo | test | run`: what bin/up, bin/demo, bin/test and bin/run call once the environment is made."""

import argparse
import sys

from portal.stack.errors import StackError, StopRequested
from portal.stack.startup import Options, up
from portal.stack.testing import run_with_services, test


def main(arguments: list[str]) -> int:
    try:
        return dispatch(arguments)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except StopRequested:
        return 130


def dispatch(arguments: list[str]) -> int:
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command == "test":
        return test(rest)
    if command == "demo":
        from portal.stack.demo import demo  # brings an HTTP client, which the other commands do without

        return demo(rest)
    if command == "run":
        return run_with_services(rest[1:] if rest[:1] == ["--"] else rest)
    return up(read_options(rest if command == "up" else arguments))


def read_options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="bin/up", description="Start the whole of Signalbox and stay until Ctrl-C.")
    parser.add_argument("--port", type=int, help="the console's port (default: PORT, else 8000)")
    parser.add_argument("--reset", action="store_true", help="delete all data of the embedded default first")
    parser.add_argument("--seed", action="store_true", help="plant the demo world also in an external database")
    found = parser.parse_args(arguments)
    return Options(port=found.port, reset=found.reset, seed=found.seed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
