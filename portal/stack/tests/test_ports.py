import socket

import pytest

from portal.stack.errors import StackError
from portal.stack.ports import HOST, KeptPorts, any_free, web_port


@pytest.fixture
def taken_port():
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_the_option_wins_over_the_environment():
    free = any_free()

    assert web_port(free, "1") == free
    assert web_port(None, str(free)) == free


def test_a_port_in_use_is_told_with_the_way_out(taken_port):
    with pytest.raises(StackError, match=rf"Port {taken_port} is in use .* --port {taken_port + 1}"):
        web_port(taken_port, "")


def test_a_taken_port_in_the_environment_is_told_by_its_variable(taken_port):
    with pytest.raises(StackError, match=f"Port {taken_port} is in use .* set PORT"):
        web_port(None, str(taken_port))


@pytest.mark.parametrize(("asked", "environment"), [(None, "http"), (None, "70000"), (70000, ""), (0, ""), (-1, "")])
def test_what_is_not_a_port_is_refused(asked, environment):
    with pytest.raises(StackError):
        web_port(asked, environment)


def test_a_kept_port_stays_the_same(tmp_path, taken_port):
    ports = KeptPorts(tmp_path / "ports.json")

    first = ports.get("carrier", taken_port)

    assert first != taken_port
    assert KeptPorts(tmp_path / "ports.json").get("carrier", taken_port) == first


def test_a_kept_port_taken_by_another_program_is_told(tmp_path):
    port = KeptPorts(tmp_path / "ports.json").get("carrier", any_free())

    with socket.socket() as listener:
        listener.bind((HOST, port))
        listener.listen()
        with pytest.raises(StackError, match="carrier"):
            KeptPorts(tmp_path / "ports.json").get("carrier", port)
