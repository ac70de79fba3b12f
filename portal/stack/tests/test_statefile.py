import json
import os
import stat
import sys

from portal.stack.processes import Part, Spec
from portal.stack.statefile import StateFile


def test_what_runs_is_written_for_the_owner_alone(tmp_path):
    state = StateFile(tmp_path / "stack.json")
    state.facts = {"base_url": "http://127.0.0.1:8000"}
    part = make_part(tmp_path)

    state.write([part])
    written = json.loads(state.path.read_text())
    part.kill()

    assert written["pids"] == {"part": part.pid}
    assert written["launcher"] == os.getpid()
    assert written["base_url"] == "http://127.0.0.1:8000"
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o600


def test_a_survivor_is_told_from_another_process_with_its_number(tmp_path):
    state = StateFile(tmp_path / "stack.json")
    part = make_part(tmp_path)
    state.write([part])

    alive = state.survivors()
    rewritten = json.loads(state.path.read_text())
    rewritten["started"]["part"] -= 1
    state.path.write_text(json.dumps(rewritten))
    other = state.survivors()
    part.kill()

    assert alive == {"part": part.pid}
    assert other == {}


def test_a_dead_process_is_no_survivor(tmp_path):
    state = StateFile(tmp_path / "stack.json")
    part = make_part(tmp_path)
    state.write([part])

    part.kill()

    assert state.survivors() == {}


def make_part(folder):
    argv = (sys.executable, "-c", "import signal; signal.pause()")
    part = Part(Spec("part", argv, environment=dict(os.environ), folder=folder), folder)
    part.start()
    return part
