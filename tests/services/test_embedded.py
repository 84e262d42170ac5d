"""Commands share the services of one data folder: the first one hosts, the others are its guests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.services.installation import Installation, wait_for

pytestmark = [pytest.mark.slow]

ASK = "from webapp.models import User; print(User.objects.count())"
# Holds the services until its standard input ends.
HOLD = (
    "import sys; from webapp.models import User; User.objects.exists(); print('holding', flush=True); sys.stdin.read()"
)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    made = Installation(tmp_path_factory.mktemp("embedded") / "data")
    migrated = made.manage("migrate", "-v", "0")
    assert migrated.returncode == 0, migrated.stderr
    assert made.programs() == {}
    return made


def test_command_starts_what_it_needs_and_stops_it(installation: Installation) -> None:
    asked = installation.manage("shell", "-v", "0", "-c", ASK)
    assert (asked.returncode, asked.stdout) == (0, "0\n")
    assert installation.programs() == {}


def test_host_waits_for_its_guests_and_up_is_refused_meanwhile(installation: Installation) -> None:
    host = installation.begin("shell", "-v", "0", "-c", HOLD, stdin=subprocess.PIPE)
    wait_for(lambda: installation.printed.count("holding") == 1, "the host")
    guest = installation.begin("shell", "-v", "0", "-c", HOLD, stdin=subprocess.PIPE)
    wait_for(lambda: installation.printed.count("holding") == 2, "the guest")
    refused = installation.manage("up")
    assert refused.returncode == 1
    assert (
        f"A command is using the data folder {installation.data} (manage.py shell, process {host.pid})"
        in refused.stderr
    )

    assert host.stdin is not None
    host.stdin.close()
    with pytest.raises(subprocess.TimeoutExpired):
        host.wait(1)
    assert installation.manage("shell", "-v", "0", "-c", ASK).stdout == "0\n"
    guest.communicate()
    assert (guest.wait(30), host.wait(30)) == (0, 0)
    assert "Waiting for other commands" in installation.printed
    assert installation.programs() == {}


def test_killed_host_leaves_nothing_behind(installation: Installation) -> None:
    host = installation.begin("shell", "-v", "0", "-c", HOLD, stdin=subprocess.PIPE)
    wait_for(lambda: "holding" in (installation.printed.splitlines() or [""])[-1], "the host")
    host.kill()
    host.communicate()
    assert installation.manage("shell", "-v", "0", "-c", ASK).stdout == "0\n"
    assert installation.programs() == {}


def test_doctor_without_a_running_pixelwise(installation: Installation) -> None:
    told = installation.manage("doctor")
    assert "✓ Database: PostgreSQL 18" in told.stdout
    assert "– Pixelwise: is not running\n   → make run starts it." in told.stdout
    assert installation.programs() == {}


def test_doctor_says_what_is_wrong_and_how_to_mend_it(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    ill = Installation(tmp_path / "data", settings={"PIXELWISE_DEVICE": "quantum"}).manage("doctor")
    assert ill.returncode == 1
    assert "✗ Settings: PIXELWISE_DEVICE is 'quantum'; expected one of auto, cpu, cuda." in ill.stdout
    assert "→ Unset it: auto takes the NVIDIA GPU where there is one." in ill.stdout
    assert "✗ Data folder: " in ill.stdout
    assert "a file is in the way" in ill.stdout
    assert "parts do not work" in ill.stderr


def test_commands_that_need_no_services_start_none(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    assert installation.manage("check").returncode == 0
    assert installation.manage("migrate", "--help").returncode == 0
    assert not (tmp_path / "data" / "postgres").exists()
