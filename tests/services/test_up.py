"""`manage.py up` from outside: one line, every part up, nothing left behind however it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.installation import Installation, wait_for
from webapp.services.folder import socket_folder

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    # A blank in the path, and a path too long for a socket in it.
    folder = tmp_path_factory.mktemp("installation") / "quality department" / ("x" * 60)
    folder.mkdir(parents=True)
    made = Installation(folder / "data")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.interrupt()
    shutil.rmtree(socket_folder(made.data))


def test_starts_says_one_line_and_stops_without_a_trace(installation: Installation) -> None:
    installation.up()
    lines = installation.printed.splitlines()
    assert len(lines) == 1
    password = re.search(r"sign in as admin@pixelwise\.local with the password (\S+) \(shown", lines[0])
    assert password is not None
    assert f"http://127.0.0.1:{installation.port}" in lines[0]
    assert installation.health().json()["parts"] == dict.fromkeys(
        ("database", "storage", "queue", "worker-gpu", "worker-cpu", "worker-train", "clock"), "up"
    )
    assert installation.interrupt() == 0
    assert installation.programs() == {}


def test_second_start_keeps_everything_and_shows_no_password(installation: Installation) -> None:
    installation.up()
    assert "password" not in installation.printed.splitlines()[-1]
    found = installation.manage("shell", "-v", "0", "-c", "from webapp.models import User; print(User.objects.get())")
    assert found.stdout.strip() == "Administrator"


def test_second_one_on_the_same_data_is_refused_in_one_sentence(installation: Installation) -> None:
    refused = installation.manage("up")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "runs already on the data folder" in refused.stderr
    assert f"http://127.0.0.1:{installation.port}" in refused.stderr
    assert installation.health().status_code == 200


def test_doctor_finds_every_part_well(installation: Installation) -> None:
    told = installation.manage("doctor")
    for part in ("Python", "Packages", "Settings", "Data folder", "Device", "Database", "Time", "Tables", "Queue"):
        assert f"✓ {part}: " in told.stdout
    for part in ("Back ends", "Work", "Failed images", "Slow queries", "Web"):
        assert f"✓ {part}: " in told.stdout
    assert "– E-mail: no server is named" in told.stdout
    for name in ("worker-gpu", "worker-cpu", "worker-train", "clock"):
        assert f"✓ {name}: gave a sign of life" in told.stdout
    assert (told.returncode, told.stderr) == (0, "")


def test_a_program_that_is_killed_is_started_again(installation: Installation) -> None:
    (pid,) = (pid for pid, command in installation.programs().items() if " beat " in command)
    os.kill(pid, signal.SIGKILL)
    wait_for(
        lambda: any(" beat " in command for key, command in installation.programs().items() if key != pid),
        "the clock to be back",
    )
    assert "clock ended (signal 9) and is started again" in installation.printed


def test_killing_it_leaves_no_process_and_the_data_whole(installation: Installation) -> None:
    assert installation.process is not None
    installation.process.kill()
    installation.process.wait()
    wait_for(lambda: installation.programs() == {}, "its programs to end", seconds=20)
    found = installation.manage("shell", "-v", "0", "-c", "from webapp.models import User; print(User.objects.get())")
    assert found.stdout.strip() == "Administrator", found.stderr
    assert installation.programs() == {}


def test_taken_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = Installation(tmp_path / "data", port=port).manage("up")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"Port {port} is taken by another program: choose another, PIXELWISE_PORT={port + 1} make run.\n"
    )


def test_data_folder_in_the_way_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    refused = Installation(tmp_path / "data").manage("up")
    assert refused.returncode == 1
    assert "a file is in the way" in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("PIXELWISE_PORT", "eight", "PIXELWISE_PORT is 'eight'; expected a whole number."),
        ("PIXELWISE_DEMO", "maybe", "PIXELWISE_DEMO is 'maybe'; expected 1 or 0."),
    ],
)
def test_setting_that_makes_no_sense(tmp_path: Path, setting: str, value: str, expected: str) -> None:
    refused = Installation(tmp_path / "data", settings={setting: value}).manage("up")
    assert (refused.returncode, refused.stderr) == (1, expected + "\n")
