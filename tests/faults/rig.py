"""A running Pixelwise under load, watched from outside: its processes, its rows, its files."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
from PIL import Image

from tests.flows.stack import Stack
from webapp.services.folder import postgres_socket_folder

SHIM = Path(__file__).parent / "shim"

_STATES = """
    SELECT image.sha256, prediction.id, prediction.state, prediction.error, prediction.is_current
    FROM image LEFT JOIN prediction ON prediction.image_id = image.id
"""
_MEASURED = """
    SELECT measurement.prediction_id, label.index, measurement.pixels
    FROM measurement JOIN label ON label.id = measurement.label_id
    JOIN prediction ON prediction.id = measurement.prediction_id WHERE prediction.state = 'done'
"""
_WAITING = """
    SELECT image.sha256 FROM image JOIN prediction ON prediction.image_id = image.id
    WHERE prediction.state = 'queued' AND prediction.attempts_count = 0
"""


@dataclass
class Rig:
    """`damaged`, `poisoned`: SHA-256 of photos that cannot be segmented, and must end failed with a reason.

    `worker_kills`: how often a worker was killed since the last check. Who was killed twice over the same sound photo
    must take it for a poisonous one: such photos are `set_aside`.
    """

    data: Path
    faults: Path
    stack: Stack = field(init=False)
    damaged: set[str] = field(default_factory=set)
    poisoned: set[str] = field(default_factory=set)
    set_aside: set[str] = field(default_factory=set)
    worker_kills: int = 0

    def __post_init__(self) -> None:
        self.faults.mkdir(parents=True)
        self.stack = Stack(
            self.data,
            settings={
                "PIXELWISE_SWEEP_SECONDS": "1",
                "PIXELWISE_LEASE_SECONDS": "4",
                "PIXELWISE_UPLOAD_SECONDS": "15",
                "PIXELWISE_CHUNK_IMAGES": "4",
                "PIXELWISE_WEB_WORKERS": "1",
                "PIXELWISE_FAULTS": str(self.faults),
                "PYTHONPATH": str(SHIM),
            },
        )

    @property
    def supervisor_pid(self) -> int:
        assert self.stack.process is not None
        return self.stack.process.pid

    def pids(self, words: tuple[str, ...]) -> set[int]:
        """Processes of this stack whose command has all these words; never the supervisor."""
        found = set()
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            is_ours = f"PIXELWISE_DATA={self.data}".encode() in environment or str(self.data) in command
            if is_ours and all(word in command for word in words):
                found.add(int(folder.name))
        return found - {self.supervisor_pid, os.getpid()}

    def poison(self, sha256: str) -> None:
        """From now on whoever segments this photo is killed."""
        self.poisoned.add(sha256)
        self.worker_kills += 1
        (self.faults / "poison").write_text("\n".join(sorted(self.poisoned)))

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

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        sockets = str(postgres_socket_folder(self.data))
        with psycopg.connect(host=sockets, user="pixelwise", dbname="pixelwise", connect_timeout=5) as connection:
            return connection.execute(statement).fetchall()

    def upload(self, slug: str, photos: dict[str, bytes], *, seconds: float = 240) -> None:
        """Upload as a stubborn client does: again and again until the server has answered."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.require_running()
            try:
                with self.stack.signed_in() as client:
                    files = [("files", (name, content)) for name, content in photos.items()]
                    answer = client.post(f"projects/{slug}/batches", files=files)
                    if answer.status_code == 201:
                        return
            except httpx.HTTPError:
                pass
            time.sleep(0.5)
        raise AssertionError(f"no upload succeeded in {seconds} s")

    def settled(self, *, seconds: float) -> None:
        """Wait until no image waits and no batch is open."""
        open_ = """
            SELECT (SELECT count(*) FROM prediction WHERE state IN ('queued', 'claimed')),
                   (SELECT count(*) FROM run WHERE state = 'running'),
                   (SELECT count(*) FROM image
                    WHERE NOT EXISTS (SELECT FROM prediction WHERE prediction.image_id = image.id)),
                   (SELECT count(*) FROM batch WHERE sealed_at IS NULL)
        """

        def ask() -> bool:
            self.require_running()
            try:
                return self.rows(open_) == [(0, 0, 0, 0)]
            except psycopg.Error:
                return False

        try:
            self.stack.wait_for(ask, "all images to end", seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; open predictions, runs, images, batches: {self.rows(open_)}") from error

    def check(self, expected: set[str]) -> Counter[str]:
        """Every uploaded photo ended exactly once; rows, masks and originals agree. Returns how many ended how."""
        states: dict[str, list[tuple[Any, ...]]] = {}
        for sha256, *rest in self.rows(_STATES):
            states.setdefault(sha256, []).append(tuple(rest))
        assert states.keys() == expected, f"{len(expected - states.keys())} lost, {len(states.keys() - expected)} new"
        twice = [sha256 for sha256, found in states.items() if len(found) != 1]
        assert not twice, f"counted more than once: {twice}"
        ended: Counter[str] = Counter()
        for sha256, [(_, state, error, is_current)] in states.items():
            ended[state] += 1
            assert state in ("done", "failed"), f"{sha256} ended {state}"
            if state == "failed":
                assert error, f"{sha256} failed without a reason"
                self._check_reason(sha256, error)
            assert is_current == (state == "done")
        assert not {sha256 for sha256 in self.poisoned if states[sha256][0][1] == "done"}
        self._check_masks({found[0][0] for found in states.values() if found[0][1] == "done"})
        self._check_originals(expected)
        self.worker_kills = 0
        return ended

    def check_sums(self) -> None:
        """The roll-ups are what a recount of the rows gives."""
        assert "equals its rows" in self.stack.manage("rebuild_rollups", "--check")

    def _check_reason(self, sha256: str, error: str) -> None:
        if sha256 in self.damaged | self.poisoned | self.set_aside:
            return
        was_killed_twice = "the worker stopped" in error and self.worker_kills >= 2
        assert was_killed_twice, f"{sha256} is sound but failed: {error}"
        self.set_aside.add(sha256)

    def _check_masks(self, done: set[int]) -> None:
        """The ledger is what a recount of the masks on disk gives; no mask is there that no row owns."""
        on_disk = {int(path.stem): path for path in (self.data / "predictions").rglob("*.png")}
        assert on_disk.keys() == done, (
            f"{len(on_disk.keys() - done)} masks too many, {len(done - on_disk.keys())} missing"
        )
        measured: dict[int, dict[int, int]] = {}
        for prediction_id, index, pixels in self.rows(_MEASURED):
            measured.setdefault(prediction_id, {})[index] = pixels
        for prediction_id, path in on_disk.items():
            with Image.open(path) as mask:
                counts = np.bincount(np.asarray(mask).ravel(), minlength=256)
            wrong = {index for index, pixels in measured[prediction_id].items() if counts[index] != pixels}
            assert not wrong, f"prediction {prediction_id}: labels {wrong} differ from its mask"

    def _check_originals(self, expected: set[str]) -> None:
        on_disk = {path.name for path in (self.data / "originals").rglob("*") if path.is_file()}
        assert on_disk == expected, f"{len(on_disk - expected)} originals without a row"
