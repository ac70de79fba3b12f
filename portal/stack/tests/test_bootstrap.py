import importlib.util
import subprocess
import sys

import pytest

from portal.stack.layout import HOUSE


@pytest.fixture
def bootstrap():
    spec = importlib.util.spec_from_file_location("bootstrap", HOUSE / "bin" / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "bin/installer.txt"])
def test_requirements_carry_hashes_and_name_no_index(name):
    text = (HOUSE / name).read_text()

    pinned = [line for line in text.splitlines() if line[:1].isalnum()]
    assert pinned and all("==" in line and line.endswith("\\") for line in pinned)
    assert "://" not in text
    assert "--find-links" not in text


def test_what_runs_in_development_is_what_runs_in_production():
    runtime, development = (
        {line for line in (HOUSE / name).read_text().splitlines() if line[:1].isalnum()}
        for name in ("requirements.txt", "requirements-dev.txt")
    )

    assert runtime <= development


def test_a_missing_requirements_file_is_told_in_one_sentence(bootstrap, tmp_path):
    with pytest.raises(bootstrap.Refusal, match="whole copy"):
        bootstrap.digest_of(tmp_path / "requirements.txt")


def test_a_python_without_venv_is_told_how_to_get_it(bootstrap):
    assert "python3-venv" in bootstrap.why_no_environment("The virtual environment was not created: ensurepip")


def test_the_environment_in_use_is_usable(bootstrap, tmp_path):
    bootstrap.VENV, bootstrap.PYTHON = sys.prefix, sys.executable
    assert bootstrap.is_usable()

    bootstrap.PYTHON = tmp_path / "python"
    assert not bootstrap.is_usable()


def test_a_python_that_is_too_old_or_missing_is_told_in_one_sentence(tmp_path):
    found = subprocess.run(
        ["/bin/sh", HOUSE / "bin" / "up"], env={"PATH": "/nowhere", "HOME": "/"}, capture_output=True, text=True
    )

    assert found.returncode == 1
    assert "needs Python 3.11 or newer" in found.stderr
