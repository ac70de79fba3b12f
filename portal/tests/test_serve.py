"""The web's processes are changed under load: nobody is turned away, and code that does not load changes nothing."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager

import pytest
from django.conf import settings

from portal import serve
from portal.stack.ports import HOST, any_free

CLIENTS, PATIENCE_SECONDS = 4, 60
KILL_SECONDS = 1
#: An application that takes its time to load, and says which one it is.  Asked for a report, it waits for "ready".
APPLICATION = """
import os, threading
threading.Event().wait({loading})
{trouble}
def application(environ, start_response):
    threading.Event().wait(0.02)
    if environ["PATH_INFO"] == "/report":
        open("asked", "w").write(str(os.getpid()))
        while not os.path.exists("ready"):
            threading.Event().wait(0.02)
    start_response("200 OK", [("Content-Length", "3")])
    return [b"{name}"]
"""


class Callers:
    """People who ask all the time, each time anew, and what they were told."""

    def __init__(self, port: int) -> None:
        self.port, self.told, self.trouble = port, Counter(), []
        self.since_last = 0  # answers since a process said that one was its connection's last
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._go_on) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self) -> None:
        while not self._stopped.is_set():
            try:
                name, is_last = answer_of(self.port)
                self.since_last = 0 if is_last else self.since_last + 1
                self.told[name] += 1
            except Exception as error:
                self.trouble.append(error)
                self._stopped.wait(0.1)


class Keepers(Callers):
    """People who keep their connection and ask on it every now and then, what must not be asked twice."""

    def _go_on(self) -> None:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE_SECONDS)
        while not self._stopped.wait(0.02):
            try:
                connection.request("POST", "/", body=b"what?")
                self.told[connection.getresponse().read().decode()] += 1
            except Exception as error:
                self.trouble.append(error)
                connection.close()
        connection.close()


@pytest.fixture
def web(tmp_path):
    write(tmp_path, "one")
    with serving(tmp_path) as (process, port):
        callers = Callers(port)
        try:
            wait_until(lambda: callers.told["one"] > CLIENTS)
            yield tmp_path, process, callers
        finally:
            callers.stop()


def write(folder, name: str, *, loading: float = 1.0, trouble: str = "") -> None:
    (folder / "reloaded.py").write_text(APPLICATION.format(name=name, loading=loading, trouble=trouble))


@contextmanager
def serving(folder, *program):
    port = any_free()
    environment = {**os.environ, "PYTHONPATH": f"{folder}:{settings.BASE_DIR}", "PYTHONDONTWRITEBYTECODE": "1"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *(program or ("-m", "portal.serve")), "--interface", "wsgi", "--host", HOST, "--port", str(port), "--no-ws",
             "--workers", "2", "--blocking-threads", "4", "--workers-kill-timeout", str(KILL_SECONDS), "--respawn-failed-workers",
             "reloaded:application"],
            cwd=folder, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(lambda: is_answered(port))
        yield process, port
    finally:
        process.terminate()
        process.wait(30)


def asked(port: int, path: str = "/") -> str:
    return answer_of(port, path)[0]


def answer_of(port: int, path: str = "/") -> tuple[str, bool]:
    """What is told, and whether the connection may not be used again."""
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read().decode(), answer.getheader("Connection") == "close"
    finally:
        connection.close()


def is_answered(port: int) -> bool:
    try:
        return bool(asked(port))
    except OSError:
        return False


def wait_until(is_true) -> None:
    until, pause = time.monotonic() + PATIENCE_SECONDS, threading.Event()
    while not is_true():
        assert time.monotonic() < until
        pause.wait(0.05)


def said(folder) -> str:
    return (folder / "log").read_text()


def test_new_processes_take_over_and_every_request_is_answered(web):
    folder, process, callers = web
    write(folder, "two")

    process.send_signal(signal.SIGHUP)
    wait_until(lambda: said(folder).count("Stopping worker-") == 2)
    callers.told.clear()
    wait_until(lambda: callers.told["two"] > CLIENTS)
    callers.stop()

    assert callers.trouble == []
    assert set(callers.told) == {"two"} or callers.told["one"] <= CLIENTS  # those were on their way


def test_whoever_keeps_a_connection_is_told_before_it_is_closed(web):
    """Seen to fail without the leave-taking: of eight keepers some asked on a connection that was just being closed."""
    folder, process, callers = web
    old = children(process.pid)
    keepers = [Keepers(callers.port) for _ in range(2)]
    wait_until(lambda: all(one.told["one"] > CLIENTS for one in keepers))
    write(folder, "two", loading=0.1)

    process.send_signal(signal.SIGHUP)
    wait_until(lambda: are_gone(old))
    for one in keepers:
        one.told.clear()
    wait_until(lambda: all(one.told["two"] > CLIENTS for one in keepers))
    for one in keepers:
        one.stop()

    assert [one.trouble for one in keepers] == [[], []]
    assert "requests in hand" not in said(folder)


def test_connections_on_which_nobody_asks_hold_nobody_up(web):
    folder, process, callers = web
    old = children(process.pid)
    with ExitStack() as idle:
        for _ in range(8):
            idle.enter_context(socket.create_connection((HOST, callers.port)))
        write(folder, "two", loading=0.1)

        process.send_signal(signal.SIGHUP)
        wait_until(lambda: are_gone(old))

    assert callers.trouble == []
    assert "requests in hand" not in said(folder)


def test_a_process_that_takes_leave_takes_no_new_connections(web):
    """Who connects to it just before it ends would be hung up on: those that stay take them all."""
    _folder, process, callers = web
    [leaving, _staying] = children(process.pid)

    os.kill(leaving, serve.LEAVE)

    wait_until(lambda: callers.since_last > 40 * CLIENTS)  # of two processes, each takes every other connection
    assert leaving in children(process.pid)
    assert callers.trouble == []


def test_a_long_request_is_finished_by_the_process_that_has_it(web):
    """However short the time is that stopping the whole web may take."""
    folder, process, callers = web
    report, old = Report(callers.port), children(process.pid)
    wait_until(lambda: (folder / "asked").exists())
    write(folder, "two", loading=0.1)

    process.send_signal(signal.SIGHUP)
    wait_until(lambda: f"Stopping worker-{place_of(folder)}" in said(folder))
    stopping = time.monotonic()
    wait_until(lambda: time.monotonic() > stopping + 2 * KILL_SECONDS)
    (folder / "ready").touch()

    assert report.told() == "one"
    wait_until(lambda: are_gone(old))
    assert "requests in hand" not in said(folder)


def test_a_request_that_never_ends_does_not_keep_the_old_process_for_ever(tmp_path):
    (tmp_path / "hasty.py").write_text(
        "from portal import serve\nserve.LEAVING_SECONDS = serve.FINISHING_SECONDS = 0.5\nserve.main()\n"
    )
    write(tmp_path, "one", loading=0.1)
    with serving(tmp_path, "hasty.py") as (process, port):
        report, old = Report(port), children(process.pid)
        wait_until(lambda: (tmp_path / "asked").exists())

        process.send_signal(signal.SIGHUP)
        wait_until(lambda: are_gone(old))

        assert said(tmp_path).count("was ended with requests in hand") == 1
        assert asked(port) == "one"
        assert isinstance(report.told(), Exception)


class Report:
    """Somebody waits for a report."""

    def __init__(self, port: int) -> None:
        self._port, self._told = port, None
        self._thread = threading.Thread(target=self._wait)
        self._thread.start()

    def told(self) -> str | Exception | None:
        """What they were told in the end."""
        self._thread.join()
        return self._told

    def _wait(self) -> None:
        try:
            self._told = asked(self._port, "/report")
        except Exception as error:
            self._told = error


def place_of(folder) -> str:
    """The number of the process that was asked for the report."""
    pid = (folder / "asked").read_text()
    return re.search(rf"Spawning worker-(\d+) with PID: {pid}\b", said(folder))[1]


def test_the_old_processes_stay_when_the_new_code_does_not_load(web):
    folder, process, callers = web
    write(folder, "bad", loading=0.1, trouble="raise RuntimeError('no such setting')")

    process.send_signal(signal.SIGHUP)
    wait_until(lambda: said(folder).count("could not be replaced") == 2)
    callers.told.clear()
    wait_until(lambda: callers.told["one"] > CLIENTS)

    assert (callers.trouble, process.poll()) == ([], None)
    write(folder, "two", loading=0.1)
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: callers.told["two"] > CLIENTS)
    assert callers.trouble == []


def test_a_process_that_dies_is_replaced(web):
    folder, process, callers = web
    [first, _second] = children(process.pid)

    os.kill(first, signal.SIGKILL)

    wait_until(lambda: len(children(process.pid) - {first}) == 2)
    assert process.poll() is None


def are_gone(pids: set[int]) -> bool:
    return not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def children(pid: int) -> set[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as found:
        return {int(child) for child in found.read().split()}
