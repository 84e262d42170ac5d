"""A running Pixelwise under load, watched from outside: its processes, its rows, its files."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.faults.inside import Inside
from tests.faults.photos import LABELS, Photo
from tests.flows.stack import Stack
from webapp.services.folder import postgres_socket_folder

SHIM = Path(__file__).parent / "shim"
LONGEST_ORPHAN_SECONDS = 2
"""A web worker looks every second whether its parent lives."""

_WAITING = """
    SELECT image.sha256 FROM image JOIN prediction ON prediction.image_id = image.id
    WHERE prediction.state = 'queued' AND prediction.attempts_count = 0
"""
_OPEN = """
    SELECT (SELECT count(*) FROM prediction WHERE state IN ('queued', 'claimed')),
           (SELECT count(*) FROM run WHERE state = 'running'),
           (SELECT count(*) FROM image WHERE NOT EXISTS (SELECT FROM prediction WHERE image_id = image.id)),
           (SELECT count(*) FROM batch WHERE sealed_at IS NULL)
"""
_HELD_BY = "SELECT id FROM prediction WHERE state = 'claimed' AND claimed_by LIKE %s"


@dataclass
class Rig:
    """`damaged`, `poisoned`: SHA-256 of photos that cannot be segmented, and must end failed with a reason.

    `died_with`: how often a worker's process, and nothing else of it, was killed while it held a prediction;
    `unseen_deaths`: how often one was killed when the database could not be asked what it held; `child_deaths`: how
    often one was killed at all; `whole_deaths`: how often all of a worker was. These three since the last check.
    """

    data: Path
    faults: Path
    stack: Stack = field(init=False)
    inside: Inside = field(init=False)
    slug: str = ""
    photos: dict[str, Photo] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    poisoned: set[str] = field(default_factory=set)
    died_with: Counter[int] = field(default_factory=Counter)
    unseen_deaths: int = 0
    child_deaths: int = 0
    whole_deaths: int = 0

    def __post_init__(self) -> None:
        self.faults.mkdir(parents=True)
        self.stack = Stack(
            self.data,
            settings={
                "PIXELWISE_SWEEP_SECONDS": "1",
                "PIXELWISE_LEASE_SECONDS": "4",
                "PIXELWISE_UPLOAD_SECONDS": "6",
                "PIXELWISE_CHUNK_IMAGES": "4",
                "PIXELWISE_WEB_WORKERS": "1",
                "PIXELWISE_FAULTS": str(self.faults),
                "PYTHONPATH": str(SHIM),
            },
        )
        without_shim = {name: value for name, value in self.stack.environment.items() if name != "PIXELWISE_FAULTS"}
        self.inside = Inside(without_shim)

    def start(self) -> None:
        """The stack, and in it a project with a live model."""
        self.stack.start(seconds=600)
        self.inside.start()
        with self.stack.signed_in() as client:
            self.slug = client.post("projects", json={"name": "Soak", "labels": LABELS}).json()["slug"]
            client.post(f"projects/{self.slug}/models", json={"kind": "colors"}).raise_for_status()

    def stop(self) -> None:
        self.inside.stop()
        self.stack.stop()

    @property
    def supervisor_pid(self) -> int:
        assert self.stack.process is not None
        return self.stack.process.pid

    def pids(self, words: tuple[str, ...]) -> set[int]:
        """Processes of this stack whose command has all these words; never the supervisor or the test's own."""
        found = set()
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            is_ours = f"PIXELWISE_FAULTS={self.faults}".encode() in environment or str(self.data) in command
            if is_ours and all(word in command for word in words):
                found.add(int(folder.name))
        return found - {self.supervisor_pid, os.getpid()}

    def poison(self, sha256: str) -> None:
        """From now on whoever segments this photo is killed."""
        self.poisoned.add(sha256)
        (self.faults / "poison").write_text("\n".join(sorted(self.poisoned)))

    def note_death(self, pid: int) -> None:
        """A worker's process was killed: remember what it held."""
        self.child_deaths += 1
        try:
            self.died_with.update(row[0] for row in self.rows(_HELD_BY, [f"%:{pid}.%"]))
        except psycopg.Error:
            self.unseen_deaths += 1

    def require_running(self) -> None:
        """RuntimeError with its last words where all of Pixelwise has ended: no fault may bring that about."""
        process = self.stack.process
        if process is None or process.poll() is not None:
            raise RuntimeError(f"Pixelwise itself has ended:\n{self.stack.log.read_text()[-3000:]}")

    def waiting_photos(self) -> list[Path]:
        try:
            return [self.data / "originals" / row[0][:2] / row[0] for row in self.rows(_WAITING)]
        except psycopg.Error:
            return []

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        sockets = str(postgres_socket_folder(self.data))
        with psycopg.connect(host=sockets, user="pixelwise", dbname="pixelwise", connect_timeout=5) as connection:
            return connection.execute(statement, values).fetchall()

    def upload(self, photos: list[Photo], *, seconds: float = 300) -> None:
        """Upload as a stubborn client does: again and again until the server has answered."""
        files = [("files", (photo.name, photo.content)) for photo in photos]
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.require_running()
            try:
                with self.stack.signed_in() as client:
                    if client.post(f"projects/{self.slug}/batches", files=files).status_code == 201:
                        return
            except httpx.HTTPError:
                pass
            time.sleep(0.3)
        raise AssertionError(f"no upload succeeded in {seconds} s")

    def settle(self, *, seconds: float) -> None:
        """Wait until no image waits, no batch is open, and the web server answers."""

        def is_settled() -> bool:
            self.require_running()
            try:
                if self.rows(_OPEN) != [(0, 0, 0, 0)]:
                    return False
                return httpx.get(f"{self.stack.url}/healthz?only=database", timeout=5).is_success
            except (psycopg.Error, httpx.HTTPError):
                return False

        try:
            self.stack.wait_for(is_settled, "all images to end", seconds=seconds)
            # What answered may have been left over by a web server that was killed in this moment, and end now.
            time.sleep(LONGEST_ORPHAN_SECONDS)
            self.stack.wait_for(is_settled, "all images to stay ended", seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; open predictions, runs, images, batches: {self.rows(_OPEN)}") from error
