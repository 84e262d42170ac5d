"""Models from elsewhere become model folders: smp's `save_pretrained` and ONNX files."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from segmentation.foreign import ForeignModel, ForeignModelError
from segmentation.foreign_onnx import OnnxFile, read_onnx
from segmentation.foreign_smp import CONFIG_FILE, SmpFolder, built, read_smp
from segmentation.model_files import CARD_FILE, FOREIGN_ONNX, ONNX_FILE, SPEC_FILE, file_sha256, write_whole
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.weights import save_model

__all__ = ["ForeignModel", "ForeignModelError", "import_model", "read_foreign"]

IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
_ONNX_ENDING = ".onnx"
_LARGEST_TILE_PX = 1024


def read_foreign(path: str | os.PathLike[str]) -> ForeignModel:
    """What a folder or .onnx file is. Nothing in it is unpickled or run but an ONNX graph of standard operators.

    ForeignModelError says in one sentence why it cannot be taken in.
    """
    return _read(Path(path))[1]


def import_model(
    path: str | os.PathLike[str],
    labels: Sequence[LabelSpec],
    out_folder: str | os.PathLike[str],
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    max_side_px: int | None = None,
    source: str = "",
) -> ModelSpec:
    """Write a model folder of ours to `out_folder`, which must be empty or new.

    `labels`: one for each output, in order (see `ForeignModel.label_count`). `mean` and `std`: of pictures in
    0–255, as it was fed in training; ImageNet's where not given. `max_side_px`: larger pictures are scaled down to
    it; None keeps them. `source`: where it comes from, for its card. ForeignModelError where it cannot be.
    """
    path, out_folder = Path(path), Path(out_folder)
    found, model = _read(path)
    if len(labels) != model.label_count:
        raise ForeignModelError(f"the model tells apart {model.label_count} labels, {len(labels)} were named")
    numbered = tuple(dataclasses.replace(label, index=index) for index, label in enumerate(labels))
    if out_folder.exists() and any(out_folder.iterdir()):
        raise ForeignModelError(f"{out_folder.name} is not empty; name a new folder")
    mean, std = _normalisation(found, model.channels, mean, std)
    if isinstance(found, SmpFolder):
        network = built(found, numbered, mean, std)
        spec = dataclasses.replace(network.spec, max_side_px=max_side_px)
        save_model(out_folder, spec, network.module, card=_card(model, spec, source))
        return spec
    spec = ModelSpec(
        architecture=FOREIGN_ONNX,
        labels=numbered,
        mean=mean,
        std=std,
        max_side_px=max_side_px,
        tile_px=_tile_px(found),
        options=found.signature.as_options(),
    )
    out_folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, out_folder / ONNX_FILE)
    write_whole(out_folder / CARD_FILE, _card(model, spec, source, file_sha256(out_folder / ONNX_FILE)).encode())
    write_whole(out_folder / SPEC_FILE, spec.to_json().encode())
    return spec


def _read(path: Path) -> tuple[SmpFolder | OnnxFile, ForeignModel]:
    if path.is_dir() and not path.is_symlink():
        if not (path / CONFIG_FILE).exists() and len(files := sorted(path.glob(f"*{_ONNX_ENDING}"))) == 1:
            raise ForeignModelError(f"this folder holds an ONNX file: name the file itself, {files[0].name}")
        return read_smp(path)
    if path.suffix.lower() == _ONNX_ENDING:
        return read_onnx(path)
    raise ForeignModelError(
        f"expected a folder with {CONFIG_FILE} and model.safetensors, or a file that ends in {_ONNX_ENDING}, "
        f"got {path.name}"
    )


def _normalisation(
    found: SmpFolder | OnnxFile, channels: int, mean: Sequence[float] | None, std: Sequence[float] | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if (mean is None) != (std is None):
        raise ForeignModelError("give both a mean and a deviation, or neither")
    if mean is not None and std is not None:
        if len(mean) != channels or len(std) != channels or min(std) <= 0:
            raise ForeignModelError(f"expected {channels} means and {channels} deviations above 0, in units of 0–255")
        return tuple(mean), tuple(std)
    if isinstance(found, OnnxFile) and found.signature.dtype == "uint8":
        return (0.0,) * channels, (1.0,) * channels
    if channels == 1:
        return (sum(IMAGENET_MEAN) / 3,), (sum(IMAGENET_STD) / 3,)
    return IMAGENET_MEAN, IMAGENET_STD


def _tile_px(found: OnnxFile) -> int:
    sides = [side for side in (found.signature.height_px, found.signature.width_px) if side]
    return min([*sides, _LARGEST_TILE_PX])


def _card(model: ForeignModel, spec: ModelSpec, source: str, sha256: str = "") -> str:
    lines = [
        "# Imported model",
        "",
        f"{model.title}, taken in from elsewhere; nothing was measured here yet.",
        "",
        f"- Source: {' '.join(source.split())[:300] or 'not told'}",
        f"- Takes: {model.takes}",
        f"- Labels: {', '.join(label.name for label in spec.labels)}",
        f"- Mean {spec.mean}, deviation {spec.std}, in units of 0–255",
        *(f"- {remark}" for remark in model.remarks),
        *([f"- SHA-256 of the file: {sha256}"] if sha256 else []),
        "- Licence: not told",
    ]
    return "\n".join(lines) + "\n"
