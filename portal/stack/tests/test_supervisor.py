import os
import signal
import subprocess
import sys
import textwrap

import pytest

from portal.stack.console import Console
from portal.stack.errors import StackError, StopRequested
from portal.stack.processes import Spec, Stage, started_ticks
from portal.stack.signals import Signals
from portal.stack.supervisor import Supervisor, restart_delay

FOREVER = "import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); [signal.pause() for _ in 'ab']"


@pytest.fixture
def signals():
    with Signals() as heard:
        yield heard


@pytest.fixture
def supervisor(tmp_path, signals):
    running = Supervisor(
        console=Console(quiet=True), signals=signals, log_folder=tmp_path, on_change=lambda parts: None
    )
    yield running
    for part in running.parts:
        part.kill()


def python(name, code, **options):
    return Spec(name, (sys.executable, "-c", code), environment=dict(os.environ), folder=os.getcwd(), **options)


def tend_until(supervisor, is_true):
    """Tend the parts as `keep_alive` does, until something is so."""
    for _ in range(200):
        for watch in supervisor.watches:
            watch.tend(supervisor.console)
        if is_true():
            return True
        supervisor.signals.nap(0.05)
    return False


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.5), (2, 1), (3, 2), (7, 30), (500, 30)])
def test_restarts_come_less_and_less_often(failures, seconds):
    assert restart_delay(failures) == seconds


def test_a_killed_part_is_started_again(supervisor):
    part = supervisor.start(python("part", FOREVER))
    first = part.pid

    os.kill(first, signal.SIGKILL)

    assert tend_until(supervisor, lambda: part.pid != first and part.exit_code() is None)


def test_a_part_that_keeps_failing_waits_longer_each_time(supervisor):
    supervisor.start(python("part", "raise SystemExit(3)"))

    assert tend_until(supervisor, lambda: supervisor.watches[0].failures == 3)


def test_children_of_a_killed_part_end_with_it(supervisor, tmp_path):
    spawn = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {FOREVER!r}]).pid, flush=True)"
    part = supervisor.start(python("part", f"{spawn}\n{FOREVER}"))
    supervisor.wait_until("its child", lambda: part.log.read_text().strip().isdecimal(), seconds=10)
    child = int(part.log.read_text())

    os.kill(part.pid, signal.SIGKILL)

    assert tend_until(supervisor, lambda: started_ticks(child) is None)


def test_a_part_that_dies_while_starting_is_told_with_its_last_words(supervisor):
    supervisor.start(python("part", "print('no room left', flush=True); raise SystemExit(3)"))

    with pytest.raises(StackError, match=r"part ended while starting \(exit code 3\).*no room left"):
        supervisor.wait_until("the part", lambda: False, seconds=10)


def test_a_step_that_fails_stops_the_start(supervisor):
    good, bad = python("good", "pass"), python("bad", "raise SystemExit('the table is gone')")

    supervisor.run_steps([good])
    with pytest.raises(StackError, match=r"bad failed.*the table is gone"):
        supervisor.run_steps([good, bad])


def test_ctrl_c_is_noticed_while_waiting(supervisor):
    os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(StopRequested):
        supervisor.wait_until("nothing", lambda: False, seconds=10)


def test_parts_stop_stage_by_stage(supervisor, tmp_path):
    diary = tmp_path / "diary"
    for name, stage in (("store", Stage.STORES), ("door", Stage.DOORS), ("worker", Stage.WORKERS)):
        code = textwrap.dedent(f"""
            import signal
            def leave(*_):
                open({str(diary)!r}, "a").write("{name} ")
                raise SystemExit
            signal.signal(15, leave)
            print("here", flush=True)
            signal.pause()
        """)
        part = supervisor.start(python(name, code, stage=stage))
        supervisor.wait_until(name, lambda log=part.log: "here" in log.read_text(), seconds=10)

    supervisor.stop()

    assert diary.read_text() == "door worker store "


def test_a_part_that_will_not_stop_is_ended_after_its_grace(supervisor):
    part = supervisor.start(python("part", STUBBORN, grace_seconds=0.3))
    supervisor.wait_until("the part", lambda: "deaf" in part.log.read_text(), seconds=10)

    supervisor.stop()

    assert part.exit_code() == -signal.SIGKILL


def test_a_second_request_to_stop_forces(supervisor, signals):
    part = supervisor.start(python("part", STUBBORN, grace_seconds=600))
    supervisor.wait_until("the part", lambda: "deaf" in part.log.read_text(), seconds=10)
    signals.requests = 2

    supervisor.stop()

    assert part.exit_code() == -signal.SIGKILL


def test_parts_do_not_outlive_a_killed_launcher(tmp_path, supervisor):
    launcher = textwrap.dedent(f"""
        import os, signal, sys
        from pathlib import Path
        from portal.stack.processes import Part, Spec
        spec = Spec("part", (sys.executable, "-c", {FOREVER!r}), dict(os.environ), Path("."))
        part = Part(spec, Path({str(tmp_path)!r}))
        part.start()
        print(part.pid, flush=True)
        signal.pause()
    """)
    with subprocess.Popen([sys.executable, "-c", launcher], stdout=subprocess.PIPE, text=True) as running:
        child = int(running.stdout.readline())
        assert started_ticks(child)
        running.kill()

    supervisor.wait_until("its end", lambda: started_ticks(child) is None, seconds=10)
