"""One house and one browser for every story told here."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.browser.windows import Windows, chromium
from tests.chaos.house import House, started


@pytest.fixture(scope="package")
def chromium_path() -> str:
    path = os.environ.get("SIGNALBOX_CHROMIUM", "")
    if not path:
        pytest.skip("no Chromium: install one, or name it with SIGNALBOX_CHROMIUM")
    return path


@pytest.fixture(scope="package")
def house(chromium_path) -> House:
    with tempfile.TemporaryDirectory(prefix="browser-", dir=os.environ.get("SIGNALBOX_VAR")) as folder:
        Path(folder).chmod(0o711)
        with started(Path(folder) / "house") as house:
            yield house


@pytest.fixture(scope="package")
def address(house) -> str:
    return house.state["base_url"]


@pytest.fixture(scope="package")
def windows(chromium_path, house, address) -> Windows:
    with chromium(chromium_path) as browser:
        yield Windows(browser, address, house.var)
