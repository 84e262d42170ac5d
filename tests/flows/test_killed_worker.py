"""A worker killed in the middle of a batch: every image ends done exactly once, every sum is right."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.flows.stack import Stack
from tests.flows.test_story import LABELS
from tests.images import picture, png

pytestmark = [pytest.mark.slow]

IMAGES, KILLS = 48, 4


def gpu_worker_pids(stack: Stack) -> list[int]:
    """Every process of this stack's gpu worker, parent and child."""
    assert stack.process is not None
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            environment = (folder / "environ").read_bytes()
        except (OSError, ProcessLookupError):
            continue
        is_ours = f"PIXELWISE_DATA={stack.data}".encode() in environment
        if is_ours and b"worker" in command and b"gpu" in b" ".join(command):
            found.append(int(folder.name))
    return found


def test_killing_the_worker_loses_nothing_and_counts_nothing_twice(stack: Stack, client: httpx.Client) -> None:
    slug = client.post("projects", json={"name": "Killed", "labels": LABELS}).json()["slug"]
    stack.manage("train", "--project", slug, "--architecture", "nearest-color")
    drawn = [
        png(picture(red=0.25 if mark % 4 == 0 else 0, width=900, height=700, mark=mark + 100)) for mark in range(IMAGES)
    ]
    files = [("files", (f"{place}.png", content)) for place, content in enumerate(drawn)]
    batch_id = client.post(f"projects/{slug}/batches", files=files).json()["id"]

    killed = 0
    deadline = time.monotonic() + 90
    while killed < KILLS and time.monotonic() < deadline:
        batch = client.get(f"batches/{batch_id}").json()
        if batch["status"] == "done":
            break
        pids = gpu_worker_pids(stack)
        if batch["done_count"] >= killed * 4 and pids:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            killed += 1
        time.sleep(0.3)
    assert killed >= 1, "the batch was done before a worker could be killed"

    batch = stack.finished_batch(client, batch_id, seconds=150)
    assert (batch["done_count"], batch["failed_count"]) == (IMAGES, 0)
    dashboard = client.get(f"projects/{slug}/dashboard").json()
    assert (dashboard["inspected"], dashboard["defective"]) == (IMAGES, IMAGES // 4)
    rust = next(row for row in dashboard["labels"] if row["label"] == "rust")
    assert rust["pixels"] == IMAGES // 4 * 900 * 175
    assert "equals its rows" in stack.manage("rebuild_rollups", "--check")
