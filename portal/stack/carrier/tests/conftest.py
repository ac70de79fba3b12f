import pytest


@pytest.fixture
def log(tmp_path):
    """Where the carrier writes down what it is sent."""
    return tmp_path / "submits.jsonl"
