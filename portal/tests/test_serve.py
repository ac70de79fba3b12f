"""The web's processes are changed under load: nobody is turned away, and code that does not load changes nothing."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest
from django.conf import settings

from portal.stack.ports import HOST, any_free

CLIENTS, PATIENCE_SECONDS = 4, 60
#: An application that takes its time to load, and says which one it is.
APPLICATION = """
import threading
threading.Event().wait({loading})
{trouble}
def application(environ, start_response):
    threading.Event().wait(0.02)
    start_response("200 OK", [("Content-Length", "3")])
    return [b"{name}"]
"""


class Callers:
    """People who ask all the time, each time anew, and what they were told."""

    def __init__(self, port: int) -> None:
        self.port, self.told, self.trouble = port, Counter(), []
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
                self.told[asked(self.port)] += 1
            except Exception as error:
                self.trouble.append(error)
                self._stopped.wait(0.1)


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
def serving(folder):
    port = any_free()
    environment = {**os.environ, "PYTHONPATH": f"{folder}:{settings.BASE_DIR}", "PYTHONDONTWRITEBYTECODE": "1"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.serve", "--interface", "wsgi", "--host", HOST, "--port", str(port), "--no-ws",
             "--workers", "2", "--blocking-threads", "4", "--workers-kill-timeout", "20", "--respawn-failed-workers",
             "reloaded:application"],
            cwd=folder, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(lambda: is_answered(port))
        yield process, port
    finally:
        process.terminate()
        process.wait(30)


def asked(port: int) -> str:
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
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


def children(pid: int) -> set[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as found:
        return {int(child) for child in found.read().split()}
