"""A Pixelwise of its own for tests of starting and stopping: `manage.py up` as a process, watched from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx

from tests.flows.stack import free_port

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY")


@dataclass
class Installation:
    data: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        return kept | {
            "PIXELWISE_DATA": str(self.data),
            "PIXELWISE_PORT": str(self.port),
            "PIXELWISE_DEMO": "0",
            "PIXELWISE_WEB_WORKERS": "1",
            **self.settings,
        }

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def begin(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start `manage.py ARGUMENTS` beside us; what it prints is added to `printed`."""
        with self._terminal("ab") as terminal:
            return subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=stdin,
                stdout=terminal,
                stderr=terminal,
            )

    def up(self) -> None:
        self._terminal("wb").close()
        self.process = self.begin("up")
        wait_for(lambda: "Pixelwise runs at" in self.printed or self._ended(), "Pixelwise to run", seconds=180)
        wait_for(lambda: self.health().status_code == 200, "every part to be up")

    def health(self) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=10)

    def interrupt(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    @property
    def printed(self) -> str:
        with self._terminal("rb") as terminal:
            return terminal.read().decode()

    def programs(self) -> dict[int, str]:
        """Living processes that have this data folder in their environment or command, by id."""
        needle, found = os.fsencode(self.data), {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
                is_zombie = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if needle in command + environment and not is_zombie:
                found[int(folder.name)] = command.replace(b"\0", b" ").decode()
        return found

    def _terminal(self, mode: str) -> IO[bytes]:
        path = self.data.parent / f"{self.data.name}.terminal"
        path.touch()
        return path.open(mode)

    def _ended(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"it ended with {self.process.returncode}:\n{self.printed}")
        return False


def wait_for(is_true: Callable[[], bool], what: str, *, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_true():
            return
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s for {what}")
