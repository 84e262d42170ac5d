"""Which files make up a model folder, and what was found out about its exports. Needs no torch.

`model.json` (its spec), `model.safetensors` (its weights; `model.onnx` where the model came as ONNX), `card.md` (what
to know), and what may be made of them later: `exports/model.onnx`, `exports/openvino/model.xml` and `.bin`,
`exports/int8/model.onnx` (8-bit integers), each with its check in `exports/<backend>.json`, and `backend.json`, which
names the one that serves.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SPEC_FILE, WEIGHTS_FILE, CARD_FILE = "model.json", "model.safetensors", "card.md"
ONNX_FILE, BACKEND_FILE, EXPORTS_FOLDER = "model.onnx", "backend.json", "exports"
FOREIGN_ONNX = "onnx"
"""The architecture of a model that came as an ONNX file: it can segment, but not be trained on."""

TORCH, ONNX, OPENVINO, INT8 = "torch", "onnx", "openvino", "int8"
F32, BF16 = "f32", "bf16"
BACKENDS = (TORCH, ONNX, OPENVINO, INT8)
EXPORTED_TO = {
    ONNX: Path(EXPORTS_FOLDER, ONNX_FILE),
    OPENVINO: Path(EXPORTS_FOLDER, "openvino", "model.xml"),
    INT8: Path(EXPORTS_FOLDER, INT8, ONNX_FILE),
}

LEAST_AGREEMENT = 0.999
LEAST_INT8_AGREEMENT = 0.9
"""8-bit integers lose something, and a person decides whether that is worth the speed; a wreck is not offered."""
CHECKED_IMAGES = 16


class ExportError(ValueError):
    """A model that cannot be exported, or an export that may not serve; the text says why and what to do."""


@dataclass(frozen=True)
class ExportCheck:
    """How an export's masks compare with PyTorch's on `image_count` pictures.

    `agreement_fraction` of all their pixels have the same label. `file_bytes` of the exported files. `checked_at` is
    an ISO 8601 time in UTC. `multiple_px` and `least_px`: sides the exported network wants. `weights_sha256`:
    the weights it was made of. `speed_ratio`: PyTorch's time over the export's for the first of these pictures,
    repeated to 512 pixels a side, on as many threads; None where not measured. Of 8-bit integers: `iou_before` and
    `iou_after` by label name, PyTorch's and the export's on `validation_count` labelled pictures, and the `runtime`
    that was the faster one. `precision` "f32" or "bf16": what OpenVINO computes in.
    """

    backend: str
    agreement_fraction: float
    image_count: int
    file_bytes: int
    checked_at: str
    weights_sha256: str
    multiple_px: int = 1
    least_px: int = 1
    versions: dict[str, str] = field(default_factory=dict)
    speed_ratio: float | None = None
    validation_count: int = 0
    iou_before: dict[str, float | None] = field(default_factory=dict)
    iou_after: dict[str, float | None] = field(default_factory=dict)
    runtime: str = ""
    precision: str = F32

    @property
    def is_good(self) -> bool:
        return self.agreement_fraction >= self.least_agreement and self.image_count >= CHECKED_IMAGES

    @property
    def least_agreement(self) -> float:
        return LEAST_INT8_AGREEMENT if self.backend == INT8 else LEAST_AGREEMENT


def weights_path(folder: str | os.PathLike[str], architecture: str) -> Path:
    """Where a model folder of this architecture keeps its weights."""
    return Path(folder) / (ONNX_FILE if architecture == FOREIGN_ONNX else WEIGHTS_FILE)


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_path(folder: str | os.PathLike[str], backend: str) -> Path:
    return Path(folder) / EXPORTS_FOLDER / f"{backend}.json"


def read_check(folder: str | os.PathLike[str], backend: str) -> ExportCheck | None:
    """The check of an export; None where the folder has no such export or it is of other weights."""
    if backend not in EXPORTED_TO:
        return None
    found = _read_json(check_path(folder, backend))
    if found is None:
        return None
    try:
        check = ExportCheck(**found)
    except TypeError as error:
        raise ExportError(f"{check_path(folder, backend)} is no check of an export: {error}; export again") from error
    weights = Path(folder) / WEIGHTS_FILE
    if not weights.is_file() or file_sha256(weights) != check.weights_sha256:
        return None
    return check


def write_check(folder: str | os.PathLike[str], check: ExportCheck) -> None:
    write_whole(check_path(folder, check.backend), json.dumps(dataclasses.asdict(check), indent=1).encode())


def chosen_backend(folder: str | os.PathLike[str]) -> str:
    """What `backend.json` says serves here; `torch` where there is none, or it is damaged or names nothing known."""
    try:
        name = (_read_json(Path(folder) / BACKEND_FILE) or {}).get("backend", TORCH)
    except ExportError:
        return TORCH
    return name if name in BACKENDS else TORCH


def choose_backend(folder: str | os.PathLike[str], backend: str) -> None:
    """Let this one serve from the next time the model is loaded. ExportError where it has passed no check."""
    if backend not in BACKENDS:
        raise ExportError(f"the backend is one of {', '.join(BACKENDS)}, not {backend!r}")
    if backend != TORCH:
        check = read_check(folder, backend)
        if check is None or not check.is_good:
            raise ExportError(f"this model has no checked {backend} export: export it first")
    write_whole(Path(folder) / BACKEND_FILE, json.dumps({"backend": backend}).encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file at once or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ExportError(f"{path} is damaged ({error}); delete it or export again") from error
    if not isinstance(found, dict):
        raise ExportError(f"{path} is damaged; delete it or export again")
    return found
