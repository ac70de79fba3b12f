"""Receipts for tests, in the simulator's words."""

import json
from datetime import UTC, datetime

from messaging.channels.types.base import RawDeliver
from messaging.channels.types.simulator.channel import SimulatorChannel

SIMULATOR = SimulatorChannel({})


def news_of(*receipts: tuple[str, str] | dict) -> dict:
    """Arguments of `store_news` for receipts given as (reference, state) or as whole dicts."""
    return {"channel": SIMULATOR, "news": [RawDeliver("receipt", _raw(one), datetime.now(UTC)) for one in receipts]}


def _raw(receipt: tuple[str, str] | dict) -> bytes:
    if isinstance(receipt, tuple):
        receipt = {
            "reference": receipt[0],
            "state": receipt[1],
            "error_code": "" if receipt[1] == "delivered" else "027",
        }
    return json.dumps(receipt).encode()
