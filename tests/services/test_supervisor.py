"""Programs that end are started again, slower each time; none outlives the one that started it."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.services.installation import wait_for
from webapp.services.program import KEPT_LOG_BYTES, Program, launched, rotate
from webapp.services.supervisor import Supervisor, stop_all

SLEEP = ("sleep", "60")


def program(folder: Path, *command: str, **options: object) -> Program:
    return Program(name="it", command=command, log=folder / "it.log", **options)  # type: ignore[arg-type]


def test_ended_program_is_started_again_and_a_finished_one_is_not(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lasting, finished, told = program(tmp_path, *SLEEP), program(tmp_path, "true"), []
    supervisor = Supervisor()
    supervisor.watch(lasting)
    supervisor.watch(finished, when_done=lambda: told.append("done"))
    lasting.start()
    finished.start()
    assert lasting.process is not None
    first = lasting.process.pid
    os.kill(first, signal.SIGKILL)

    def is_back() -> bool:
        supervisor.look()
        return lasting.process is not None and lasting.process.pid != first and lasting.is_running

    wait_for(is_back, "it to be back", seconds=20)
    wait_for(lambda: supervisor.look() or told == ["done"], "the other to finish", seconds=20)
    assert "it ended (signal 9) and is started again" in capfd.readouterr().err
    stop_all([lasting, finished])
    assert not lasting.is_running


def test_pauses_grow_while_it_keeps_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ending = program(tmp_path, "false")
    starts: list[float] = []
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def start() -> None:
        starts.append(now)
        ending.start()
        assert ending.process is not None
        ending.process.wait()

    supervisor = Supervisor()
    start()
    supervisor.watch(ending, start)
    while now < 1200:
        now += 0.25
        supervisor.look()
    pauses = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert pauses == sorted(pauses)
    assert 0.25 <= pauses[0] <= 1
    assert 30 <= pauses[-1] <= 31


def test_what_cannot_be_started_is_tried_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As the database on a disk that was full for a moment: the other programs go on meanwhile."""
    ended, tries = program(tmp_path, "false"), []

    def start() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        ended.command = SLEEP
        ended.start()

    supervisor = Supervisor()
    ended.start()
    supervisor.watch(ended, start)
    wait_for(lambda: supervisor.look() or (ended.is_running and len(tries) == 2), "it to be back", seconds=20)
    assert "it could not be started: [Errno 28] No space left on device. It is tried again." in capfd.readouterr().err
    stop_all([ended])


def test_what_does_not_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    stubborn = program(tmp_path, "bash", "-c", "trap '' TERM; sleep 60 & echo $!; wait; sleep 60", stop_seconds=0.5)
    stubborn.start()
    wait_for(lambda: stubborn.log.read_text().strip() != "", "it to run", seconds=20)
    child = int(stubborn.log.read_text())
    stubborn.stop()
    assert stubborn.exit_code == -signal.SIGKILL
    wait_for(lambda: is_gone(child), "its child to end", seconds=10)


def test_program_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time\n"
        "from webapp.services.program import launched\n"
        "print(subprocess.Popen(launched(['sleep', '60'])).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_for(lambda: "sleep" in Path(f"/proc/{child}/cmdline").read_text(), "it to run", seconds=20)
        parent.kill()
    wait_for(lambda: is_gone(child), "it to end", seconds=10)


def test_launched_for_a_parent_that_is_gone_does_not_start(tmp_path: Path) -> None:
    command = launched(["touch", str(tmp_path / "ran")])
    command[command.index(str(os.getpid()))] = "1"
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(("passes", "expected"), [(False, 1), (True, 0)])
def test_root_becomes_nobody_who_passes_closed_folders_only_if_allowed(
    tmp_path: Path, passes: bool, expected: int
) -> None:
    tmp_path.chmod(0o700)
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    command = launched(["cat", str(secret)], user=65534, pass_closed_folders=passes)
    assert subprocess.run(command, capture_output=True, check=False).returncode == expected
    identity = subprocess.run(launched(["id", "-u"], user=65534), capture_output=True, text=True, check=True)
    assert identity.stdout == "65534\n"


def test_large_log_is_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_bytes(b"x" * (KEPT_LOG_BYTES + 1))
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "web.old.log").stat().st_size == KEPT_LOG_BYTES + 1


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
