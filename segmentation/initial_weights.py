"""Start a training from a model that has already learned: everything is kept but what its labels do not share.

Which starts there are, without loading torch: `segmentation.transfer`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from segmentation.architectures import build
from segmentation.spec import MAX_LABELS, LabelSpec, ModelSpec
from segmentation.weights import WEIGHTS_FILE, ModelFolderError, load_spec

LEAST_FRACTION = 0.25
"""Of the smaller of two networks. With the same encoder it is half and more, between strangers a twelfth at most."""


@dataclass(frozen=True)
class Inheritance:
    """`fraction`: share of the network's numbers that were taken over, 0–1; `labels`: those whose part of the last
    layers was kept, by name."""

    fraction: float
    labels: tuple[str, ...]


def inherit(module: nn.Module, spec: ModelSpec, folder: Path, names: Sequence[str] | None = None) -> Inheritance:
    """Copy an earlier model's weights into `module`, built for `spec`, wherever name and shape agree.

    Layers with a part for every label (the head) keep the parts of labels that both models have, by name; the
    rest keeps its random start. `names`: what the labels of `spec` are called in the earlier model, in their order,
    None = the same. ModelFolderError where there is no model, or next to nothing of it fits.
    """
    earlier = load_spec(folder)
    try:
        learnt = load_file(folder / WEIGHTS_FILE)
    except (SafetensorError, OSError) as error:
        raise ModelFolderError(f"{folder / WEIGHTS_FILE} cannot be read: {error}") from error
    own = module.state_dict()
    label_axes = _label_axes(spec, own)
    old_rows = {label.name: label.index for label in earlier.labels}
    names = [label.name for label in spec.labels] if names is None else names
    shared = {place: old_rows[name] for place, name in enumerate(names) if name in old_rows}
    copied = 0
    with torch.no_grad():
        for name, target in own.items():
            if name in learnt:
                old = learnt[name].to(target.dtype)
                copied += _copy(target, old, label_axes.get(name), shared, len(earlier.labels))
    own_count, learnt_count = (sum(value.numel() for value in values.values()) for values in (own, learnt))
    if copied < LEAST_FRACTION * min(own_count, learnt_count):
        raise ModelFolderError(
            f"the model in {folder} has another network ({_words(earlier)}, not {_words(spec)}): {copied:,} of"
            f" {own_count:,} numbers fit, and next to nothing learned would be kept; choose a model with the same"
            " architecture and encoder, or start from nothing"
        )
    return Inheritance(
        fraction=copied / own_count,
        labels=tuple(spec.labels[index].name for index in shared),
    )


def _copy(
    target: torch.Tensor, old: torch.Tensor, axis: int | None, shared: Mapping[int, int], old_label_count: int
) -> int:
    """Copy what agrees into `target`; returns how many numbers that are."""
    if axis is None:
        if old.shape != target.shape:
            return 0
        target.copy_(old)
        return target.numel()
    expected = list(target.shape)
    expected[axis] = old_label_count
    if list(old.shape) != expected:
        return 0
    for new_row, old_row in shared.items():
        target.select(axis, new_row).copy_(old.select(axis, old_row))
    return len(shared) * target.numel() // target.shape[axis]


def _label_axes(spec: ModelSpec, own: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """Which tensors have one part per label, and along which axis: those that differ with another label count."""
    count = len(spec.labels)
    other_count = count + 1 if count < MAX_LABELS else count - 1
    labels = tuple(LabelSpec(index, f"label {index}", "#000000") for index in range(other_count))
    with torch.random.fork_rng(devices=[]):
        other = build(dataclasses.replace(spec, labels=labels)).state_dict()
    axes = {}
    for name, value in own.items():
        if name in other and other[name].shape != value.shape:
            differing = [
                axis
                for axis, sizes in enumerate(zip(value.shape, other[name].shape, strict=True))
                if sizes[0] != sizes[1]
            ]
            if len(differing) == 1 and value.shape[differing[0]] == count:
                axes[name] = differing[0]
    return axes


def _words(spec: ModelSpec) -> str:
    return f"{spec.architecture} with {spec.encoder}" if spec.encoder else spec.architecture
