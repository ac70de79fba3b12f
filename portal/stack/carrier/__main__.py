"""`python -m portal.stack.carrier`: run the demo carrier until told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys

import uvloop

from portal.stack.carrier.control import Control
from portal.stack.carrier.options import Options, parse
from portal.stack.carrier.server import Carrier


async def run(options: Options) -> None:
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    carrier = Carrier(options.settings)
    await carrier.start()
    control = None if options.control_port is None else Control(carrier, loop, port=options.control_port)
    told = f", control on http://127.0.0.1:{control.port}" if control else ""
    sys.stdout.write(f"demo carrier: SMPP on {options.settings.host}:{carrier.port}{told}\n")
    sys.stdout.flush()
    await stopping.wait()
    if control:
        control.close()
    await carrier.stop()


def main() -> int:
    options = parse()
    # A hundred thousand receipts wait at times and none is a cycle: walking them again and again costs more than it frees.
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
    try:
        uvloop.run(run(options))
    except OSError as error:
        sys.stderr.write(f"demo carrier: cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
