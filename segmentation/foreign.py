"""What is known of a model from elsewhere before it is taken in. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SMP, ONNX = "smp", "onnx"


class ForeignModelError(ValueError):
    """A file or folder that cannot become a model here; the text says what was expected, what came, what to do."""


@dataclass(frozen=True)
class ForeignModel:
    """`kind`: "smp", a folder of segmentation-models-pytorch's `save_pretrained`, or "onnx".

    `label_count` labels have to be named, in the order of the model's outputs; for a model with a single output these
    are two, what is not the thing and the thing. `channels`: 3 for colour, 1 for grey. `takes`: its input in words.
    `remarks`: sentences that a person should read before taking it in. `can_train`: a training may start from it.
    """

    kind: str
    title: str
    label_count: int
    channels: int
    takes: str
    remarks: tuple[str, ...]
    can_train: bool


def plain_file(path: Path, most_bytes: int) -> Path:
    """The path itself. ForeignModelError where it is a link, no file, empty or larger than `most_bytes`."""
    if path.is_symlink() or not path.is_file():
        raise ForeignModelError(f"expected a plain file {path.name}, found none (links are not followed)")
    size = path.stat().st_size
    if not 0 < size <= most_bytes:
        raise ForeignModelError(f"{path.name} has {size:,} bytes; expected 1 to {most_bytes:,}")
    return path
