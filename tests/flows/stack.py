"""The whole product as its users run it: `manage.py up` in a folder of its own, spoken to over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
EMAIL, PASSWORD = "alice@example.com", "correct-horse-battery"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Stack:
    """A running Pixelwise. `start()` waits until it answers; `stop()` is Ctrl-C."""

    data: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data.with_suffix(".log")

    @property
    def environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
        }
        return inherited | {
            "PIXELWISE_DATA": str(self.data),
            "PIXELWISE_PORT": str(self.port),
            "PIXELWISE_ADMIN_EMAIL": EMAIL,
            "PIXELWISE_ADMIN_PASSWORD": PASSWORD,
            "PIXELWISE_DEMO": "0",
            "PIXELWISE_DEVICE": "cpu",
            "OMP_NUM_THREADS": "1",
            **self.settings,
        }

    def start(self, *, seconds: float = 240) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=ROOT, env=self.environment, stdout=log, stderr=log, text=True
            )
        self.wait_for(self._answers, "the stack to answer /healthz with 200", seconds=seconds)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            told = self.log.read_text()[-3000:]
            raise AssertionError(f"the stack ended with {self.process.returncode}:\n{told}")
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Run a management command beside the running stack; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def manage_json(self, *arguments: str) -> dict[str, Any]:
        lines = self.manage(*arguments, "--json").strip().splitlines()
        found: dict[str, Any] = json.loads(lines[-1])
        return found

    def signed_in(self) -> httpx.Client:
        """An API client of the administrator."""
        answer = httpx.post(f"{self.url}/api/v1/tokens", json={"email": EMAIL, "password": PASSWORD}, timeout=60)
        answer.raise_for_status()
        return httpx.Client(
            base_url=f"{self.url}/api/v1/",
            headers={"Authorization": f"Bearer {answer.json()['token']}"},
            timeout=60,
        )

    def finished_batch(self, client: httpx.Client, batch_id: int, *, seconds: float = 120) -> dict[str, Any]:
        def finished() -> dict[str, Any] | None:
            batch: dict[str, Any] = client.get(f"batches/{batch_id}").json()
            return batch if batch["status"] in ("done", "failed") else None

        return self.wait_for(finished, f"batch {batch_id} to finish", seconds=seconds)

    def wait_for(self, ask: Callable[[], Any], what: str, *, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if answer := ask():
                return answer
            time.sleep(0.2)
        raise AssertionError(f"waited {seconds} s for {what}")
