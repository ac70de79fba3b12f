"""The program of the engine's own process: runs localstripe on loopback, with its memory where we say.

Run by `backend.py` as a script, never imported.  localstripe on its own listens on every interface and keeps its
memory at a fixed, guessable path under /tmp, written in place; here it listens on 127.0.0.1 only, keeps its memory in
the file it is given and replaces that file in one step.  It ends when its parent does: standard input is a pipe
nobody writes to, and its end is the parent's end.
"""

import builtins
import io
import logging
import os
import runpy
import socket
import sys
import threading

MEMORY = "/tmp/localstripe.pickle"  # noqa: S108  the path localstripe asks for, never the one it gets
state_path, announce_to = sys.argv[1], int(sys.argv[2])
real_open, RealSocket = builtins.open, socket.socket


class Replacing(io.BytesIO):
    """A file that takes the place of the old one when it is complete."""

    def __exit__(self, kind, *rest):
        if kind is None:
            with real_open(state_path + ".new", "wb") as file:
                file.write(self.getvalue())
            os.replace(state_path + ".new", state_path)
        return super().__exit__(kind, *rest)


class LoopbackSocket(RealSocket):
    """Binds to 127.0.0.1 whatever it is asked to bind to, and tells the parent which port that gave."""

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        if fileno is None and family == socket.AF_INET6:
            family = socket.AF_INET
        super().__init__(family, type, proto, fileno)

    def bind(self, address):
        super().bind(("127.0.0.1", address[1]))
        os.write(announce_to, b"%d\n" % self.getsockname()[1])


def open_memory(file, mode="r", *rest, **options):
    if file != MEMORY:
        return real_open(file, mode, *rest, **options)
    return Replacing() if "w" in mode else real_open(state_path, mode)


def end_with_parent():
    os.read(0, 1)  # not sys.stdin: its lock would be held when the interpreter shuts down
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()
builtins.open, socket.socket = open_memory, LoopbackSocket
logging.getLogger("aiohttp.access").addFilter(lambda record: False)
sys.argv = ["localstripe", "--port", "0"]
runpy.run_module("localstripe", run_name="__main__", alter_sys=True)
