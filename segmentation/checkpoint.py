"""A training's state on disk, so that a killed training goes on as if nothing had happened.

One safetensors file: weights and the like as tensors, the rest as JSON in its header. It is written beside the old
one and takes its name in one go, so there is always a whole one. Nothing in it can run when it is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

FILE = "checkpoint.safetensors"
_HEADER = "pixelwise"


class CheckpointError(ValueError):
    """A checkpoint that cannot be gone on from; says what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """`training` describes what is being trained: a training only goes on from its own checkpoint.

    `numbers` is what JSON holds; `tensors` are on the CPU.
    """

    training: Mapping[str, Any]
    numbers: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the folder's checkpoint; it survives a kill and a power cut at any moment."""
    folder.mkdir(parents=True, exist_ok=True)
    header = json.dumps({"training": checkpoint.training, "numbers": checkpoint.numbers})
    content = save(
        {name: value.detach().to("cpu", copy=True).contiguous() for name, value in checkpoint.tensors.items()},
        metadata={_HEADER: header},
    )
    partial = folder / f".{FILE}.partial"
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / FILE)


def _differing(expected: Mapping[str, Any], kept: Mapping[str, Any]) -> Iterator[str]:
    """What a checkpoint says otherwise; what an earlier release could not say yet does not count."""
    for name in kept:
        mine, theirs = expected.get(name), kept[name]
        if isinstance(mine, dict) and isinstance(theirs, dict):
            yield from (f"{name} {part}" for part in _differing(mine, theirs))
        elif mine != theirs:
            yield name


def _nameless(training: Mapping[str, Any]) -> dict[str, Any]:
    """Labels as indices: earlier releases also kept what they were called, which may change meanwhile."""
    model = training.get("model", {})
    if "labels" not in model:
        return dict(training)
    labels = [label["index"] if isinstance(label, dict) else label for label in model["labels"]]
    return {**training, "model": {**model, "labels": labels}}


def load_checkpoint(folder: Path, training: Mapping[str, Any]) -> Checkpoint | None:
    """The folder's checkpoint, None where there is none.

    CheckpointError where the file is damaged or is another training's.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        with safe_open(file, framework="pt") as opened:
            header = json.loads((opened.metadata() or {})[_HEADER])
            checkpoint = Checkpoint(
                training=_nameless(header["training"]),
                numbers=header["numbers"],
                tensors={name: opened.get_tensor(name) for name in opened.keys()},  # noqa: SIM118 - not a dict
            )
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{file} is damaged or no checkpoint of a training ({error}): delete it to train from the start"
        ) from error
    expected = json.loads(json.dumps(training))
    differing = sorted(_differing(expected, checkpoint.training))
    if differing:
        raise CheckpointError(
            f"{file} belongs to another training, it differs in {', '.join(differing)}: name another"
            " checkpoint folder, or delete the file to train from the start"
        )
    return checkpoint
