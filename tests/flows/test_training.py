"""A training watched over HTTP while its worker is killed: resumed from its checkpoint, it becomes a model version."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.flows.stack import Stack
from tests.flows.test_story import LABELS, signed_in_page
from tests.images import RED, picture, png

pytestmark = [pytest.mark.slow]

EPOCHS = 6


def write_folder(path: Path) -> Path:
    """Four pictures to learn from, four to validate on, every other one half red."""
    for name in ("images", "masks"):
        (path / name).mkdir(parents=True)
    for place in range(8):
        rgb = picture(red=0.5 if place % 2 else 0, width=64, height=64, mark=place + 300)
        (path / "images" / f"{place}.png").write_bytes(png(rgb))
        Image.fromarray((rgb == RED).all(axis=2).astype(np.uint8)).save(path / "masks" / f"{place}.png")
    (path / "classes.json").write_text(json.dumps({"0": "background", "1": "rust"}))
    splits = {"train": ["0", "1", "2", "3"], "val": ["4", "5", "6", "7"]}
    (path / "splits.json").write_text(json.dumps(splits))
    return path


def train_children(stack: Stack) -> list[int]:
    """The processes of this stack's train worker that have loaded torch: the ones that learn."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
            is_ours = f"PIXELWISE_DATA={stack.data}".encode() in (folder / "environ").read_bytes()
            has_torch = "libtorch" in (folder / "maps").read_text()
        except (OSError, ProcessLookupError):
            continue
        if is_ours and has_torch and b"train@" in command:
            found.append(int(folder.name))
    return found


def test_killed_worker_goes_on_and_a_model_version_appears(stack: Stack, client: httpx.Client, tmp_path: Path) -> None:
    slug = client.post("projects", json={"name": "Learning", "labels": LABELS}).json()["slug"]
    stack.manage("import_dataset", str(write_folder(tmp_path / "parts")), "--project", slug)
    body = {"epochs": EPOCHS, "architecture": "unet", "encoder": "tu-mobilenetv3_small_050", "crop_px": 64}
    training_id = client.post(f"projects/{slug}/trainings", json=body).json()["id"]

    def learned() -> dict[str, object] | None:
        told = client.get(f"trainings/{training_id}").json()
        return told if told["curve"] or told["error"] else None

    before = stack.wait_for(learned, "a first epoch", seconds=240)
    assert (before["status"], before["error"]) == ("running", ""), "it must still learn when its worker is killed"
    pids = train_children(stack)
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)

    def over() -> dict[str, object] | None:
        told = client.get(f"trainings/{training_id}").json()
        return told if told["status"] not in ("queued", "running") else None

    after = stack.wait_for(over, "the training to end", seconds=240)
    assert (after["status"], after["error"]) == ("done", "")
    assert [epoch["number"] for epoch in after["curve"]] == list(range(1, EPOCHS + 1))
    assert after["curve"][: len(before["curve"])] == before["curve"], "what was learned before is not learned again"

    (model,) = client.get(f"projects/{slug}/models").json()
    assert (model["id"], model["is_live"]) == (after["model"]["id"], True)
    page = signed_in_page(stack, f"/p/{slug}/models/trainings/{training_id}/")
    assert "Version 1 is made." in page
    assert f"/files/trainings/{training_id}/previews/3/{EPOCHS}" in page
