"""`python -m portal.stack.stripe_sandbox`: runs until it is told to stop."""

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from .delivery import Endpoint, Habits
from .sandbox import Sandbox
from .server import Server


def main() -> None:
    """Start, say where, serve until SIGTERM or SIGINT, stop cleanly."""
    options = read_options()
    os.umask(0o077)  # the state file holds test cards and e-mail addresses
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    if options.state:
        options.state.parent.mkdir(parents=True, exist_ok=True)
    sandbox = Sandbox(
        state=options.state,
        endpoint=Endpoint(options.webhook_url, options.webhook_secret),
        habits=Habits(options.duplicate_events, options.shuffle_events, options.drop_events, options.seed),
        api_version=options.api_version,
    )
    try:
        server = Server(port=options.port, sandbox=sandbox)
    except OSError as problem:
        sys.exit(f"The Stripe sandbox cannot listen on 127.0.0.1:{options.port}: {problem.strerror}.")
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for serve_forever(), which runs in this thread: it must be called from another.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    try:
        sandbox.start(base_url=server.base_url)
        sys.stdout.write(f"The Stripe sandbox listens on {server.base_url}\n")
        sys.stdout.flush()
        server.serve_forever()
    finally:
        server.server_close()
        sandbox.stop()


def read_options() -> argparse.Namespace:
    """The command line.  A wrong value ends the program with one sentence."""
    parser = argparse.ArgumentParser(prog="stripe_sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1; 0 takes a free one and prints it")
    parser.add_argument("--webhook-url", type=web_address, required=True, help="where events are sent")
    parser.add_argument("--webhook-secret", required=True, help="what they are signed with (whsec_…)")
    parser.add_argument("--state", type=Path, help="SQLite file; without it everything is forgotten at the end")
    parser.add_argument("--api-version", default="2026-10-28.endive", help="the version events carry")
    parser.add_argument("--duplicate-events", action="store_true", help="deliver every event twice")
    parser.add_argument("--shuffle-events", action="store_true", help="deliver in an order of the seed's choosing")
    parser.add_argument("--drop-events", type=share, default=0.0, metavar="SHARE", help="0 to 1: never delivered")
    parser.add_argument("--seed", type=int, help="makes the misbehaviour repeatable")
    return parser.parse_args()


def web_address(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
        raise argparse.ArgumentTypeError("must be an http or https address")
    return value


def share(value: str) -> float:
    number = float(value)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("must lie between 0 and 1")
    return number


if __name__ == "__main__":
    main()
