"""A model folder for another runtime: written, checked against PyTorch's masks, and only then kept."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino
import torch

from segmentation.agreement import Agreement, confusion_counts
from segmentation.architectures.light_evening import EVENED_CHANNELS, EvenLight
from segmentation.architectures_catalogue import facts_of
from segmentation.backends import Signature, open_file
from segmentation.backends.openvino_runtime import computes_in_bfloat16
from segmentation.model_files import (
    BF16,
    CHECKED_IMAGES,
    EXPORTED_TO,
    EXPORTS_FOLDER,
    F32,
    FOREIGN_ONNX,
    INT8,
    LEAST_AGREEMENT,
    ONNX,
    OPENVINO,
    ExportCheck,
    ExportError,
    write_check,
)
from segmentation.onnx_writer import write_onnx
from segmentation.pairs import Pair
from segmentation.quantised import write_int8
from segmentation.scenes import draw_scene
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec
from segmentation.weights import load_model, load_spec

Picture = npt.NDArray[np.uint8]

_SCENE_SIZES = ((320, 240), (256, 256), (250, 187), (97, 130))
_SEED = 16
_TIMED_PX = 512
_CPU = torch.device("cpu")
_LARGEST_CONFIDENCE_DIFFERENCE = 0.002
_RUNTIMES = {ONNX: (ONNX,), OPENVINO: (OPENVINO,), INT8: (ONNX, OPENVINO)}


def export_model(
    folder: str | os.PathLike[str],
    backend: str,
    pictures: Iterable[Picture] = (),
    *,
    validation: Sequence[Pair] = (),
    seed: int = _SEED,
) -> ExportCheck:
    """Write `exports/` of a model folder for a backend and check it on 16 pictures uint8 (H, W, 3).

    Fewer pictures than 16 are made up with drawn scenes of four sizes. Every fourth picture is also cut to an odd
    size, so that more than one is tried. ExportError where the architecture cannot be exported or under 99.9 % of
    the pixels get PyTorch's label: then nothing is left behind, and an earlier good export stays.

    OpenVINO computes in bfloat16 where the CPU has instructions for it, 99.9 % of the pixels keep their label and
    confidence changes by 0.002 in the mean at most; else in float32.

    "int8" finds its 8-bit scales on these pictures and may differ in up to a tenth of the pixels. What that costs is
    in the check: IoU before and after on `validation`, and the speed for it.
    """
    if backend not in EXPORTED_TO:
        raise ExportError(f"a model is exported to {' or '.join(EXPORTED_TO)}, not {backend!r}")
    if load_spec(folder).architecture == FOREIGN_ONNX:
        raise ExportError("this model came as an ONNX file: it is one already, and cannot be turned into another")
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder) as partial:
        check, written = _written_and_checked(folder, backend, Path(partial), pictures, validation, seed)
        if not check.is_good:
            raise ExportError(
                f"the {backend} export gives {1 - check.agreement_fraction:.3%} of the pixels of {check.image_count} "
                f"pictures another label than PyTorch; at most {1 - check.least_agreement:.1%} may differ, "
                "so it was not kept"
            )
        _put_in_place(written, Path(folder) / EXPORTS_FOLDER, backend)
    write_check(folder, check)
    return check


def agreement(one: Segmenter, other: Segmenter, pictures: Iterable[Picture]) -> tuple[float, int]:
    """The share of all pixels to which two segmenters give the same label, 0–1, and how many pictures there were."""
    same = pixels = count = 0
    for picture in pictures:
        masks = [segmenter.segment([picture])[0].mask for segmenter in (one, other)]
        same += int((masks[0] == masks[1]).sum())
        pixels += masks[0].size
        count += 1
    if count == 0:
        raise ValueError("masks are compared on at least one picture")
    return same / pixels, count


def check_pictures(pictures: Iterable[Picture], channels: int = 3, seed: int = _SEED) -> Iterator[Picture]:
    """16 pictures of several sizes: those given, then drawn ones; every fourth cut to odd sides.

    A model of four channels and more gets pictures of fewer with their channels repeated.
    """
    for number, picture in enumerate(islice(chain(pictures, _drawn(seed)), CHECKED_IMAGES)):
        if number % 4 == 3 and min(picture.shape[:2]) > 8:
            height, width = (length - length // 5 | 1 for length in picture.shape[:2])
            picture = np.ascontiguousarray(picture[:height, :width])
        if channels > picture.shape[2]:
            picture = np.ascontiguousarray(picture[:, :, np.arange(channels) % picture.shape[2]])
        yield picture


def _drawn(seed: int) -> Iterator[Picture]:
    for number in range(CHECKED_IMAGES):
        width, height = _SCENE_SIZES[number % len(_SCENE_SIZES)]
        yield draw_scene(np.random.default_rng((seed, number)), width=width, height=height).rgb


def _written_and_checked(
    folder: str | os.PathLike[str],
    backend: str,
    partial: Path,
    pictures: Iterable[Picture],
    validation: Sequence[Pair],
    seed: int,
) -> tuple[ExportCheck, list[Path]]:
    """The export in `partial`, its check, and its files."""
    loaded = load_model(folder)
    onnx_file = partial / "model.onnx"
    module, channels = loaded.module, loaded.spec.channels
    if isinstance(module, EvenLight):
        module, channels = module.network, EVENED_CHANNELS
    network = write_onnx(module, channels, onnx_file)
    signature = Signature(multiple_px=network.multiple_px, least_px=network.least_px)
    tried = [*check_pictures(pictures, loaded.spec.channels, seed)]
    original = Segmenter.of_module(loaded.spec, loaded.module, device="cpu")
    files = _files(backend, onnx_file, loaded.spec, signature, tried)

    def opened_by(runtime: str, precision: str) -> Segmenter:
        evens_light = loaded.spec.evens_light
        return Segmenter.of_backend(
            loaded.spec,
            open_file(
                files[0], backend, signature, _CPU, evens_light=evens_light, runtime=runtime, precision=precision
            ),
        )

    precision = F32
    if backend == OPENVINO and not facts_of(loaded.spec.architecture).is_exact and computes_in_bfloat16():
        precision = BF16 if _is_as_good(original, opened_by(OPENVINO, BF16), tried) else F32
    opened = {runtime: opened_by(runtime, precision) for runtime in _RUNTIMES[backend]}
    seconds = seconds_a_picture({"torch": original, **opened}, _of_usual_size(tried[0]))
    runtime = min(opened, key=seconds.__getitem__)
    fraction, count = agreement(original, opened[runtime], tried)
    lost = _ious(original, opened[runtime], validation, loaded.spec) if backend == INT8 else ({}, {})
    packages = ("torch", "openvino" if runtime == OPENVINO else "onnxruntime")
    check = ExportCheck(
        backend=backend,
        agreement_fraction=fraction,
        image_count=count,
        file_bytes=sum(file.stat().st_size for file in files),
        checked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        weights_sha256=loaded.sha256,
        multiple_px=network.multiple_px,
        least_px=network.least_px,
        versions={name: version(name) for name in packages},
        speed_ratio=round(seconds["torch"] / seconds[runtime], 2),
        validation_count=len(validation) if backend == INT8 else 0,
        iou_before=lost[0],
        iou_after=lost[1],
        runtime=runtime if backend == INT8 else "",
        precision=precision,
    )
    return check, files


def _is_as_good(original: Segmenter, reduced: Segmenter, pictures: Iterable[Picture]) -> bool:
    """Whether a network computed in bfloat16 gives PyTorch's labels, and its confidence to a fifth of a per cent."""
    same = pixels = 0
    difference = 0.0
    for picture in pictures:
        one, other = original.segment([picture])[0], reduced.segment([picture])[0]
        same += int((one.mask == other.mask).sum())
        pixels += one.mask.size
        difference += float(np.abs(one.confidence - other.confidence).sum())
    return same >= LEAST_AGREEMENT * pixels and difference <= _LARGEST_CONFIDENCE_DIFFERENCE * pixels


def _files(
    backend: str, onnx_file: Path, spec: ModelSpec, signature: Signature, pictures: Iterable[Picture]
) -> list[Path]:
    if backend == OPENVINO:
        return _as_openvino(onnx_file)
    if backend == INT8:
        target = onnx_file.with_name("int8.onnx")
        write_int8(onnx_file, target, spec, signature, pictures)
        # Under the name that it will have.
        return [target.replace(onnx_file)]
    return [onnx_file]


def _of_usual_size(picture: Picture) -> Picture:
    """Repeated until both sides have `_TIMED_PX`: on a small one a runtime's overhead would decide who is faster."""
    height, width = (max(length, _TIMED_PX) for length in picture.shape[:2])
    repeated = np.tile(picture, (-(-height // picture.shape[0]), -(-width // picture.shape[1]), 1))
    return np.ascontiguousarray(repeated[:height, :width])


def seconds_a_picture(segmenters: Mapping[str, Segmenter], picture: Picture, turns: int = 3) -> dict[str, float]:
    """Median seconds each takes for a picture, in turns, so that whatever else goes on burdens them alike."""
    taken: dict[str, list[float]] = {name: [] for name in segmenters}
    for turn in range(turns + 1):
        for name, segmenter in segmenters.items():
            started = time.perf_counter()
            segmenter.segment([picture])
            if turn:
                taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in taken.items()}


def _ious(
    original: Segmenter, exported: Segmenter, validation: Sequence[Pair], spec: ModelSpec
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """IoU by label of both on labelled pictures; empty where there are none."""
    if not validation:
        return {}, {}
    count = len(spec.labels)
    counts = [np.zeros((count, count), np.int64), np.zeros((count, count), np.int64)]
    for pair in validation:
        rgb, truth = pair.read()
        for place, segmenter in enumerate((original, exported)):
            counts[place] += confusion_counts(truth, segmenter.segment([rgb])[0].mask, count)
    before, after = (
        {label.name: None if iou is None else round(iou, 4) for label, iou in zip(spec.labels, found, strict=True)}
        for found in (Agreement(one).ious() for one in counts)
    )
    return before, after


def _as_openvino(onnx_file: Path) -> list[Path]:
    """model.xml and model.bin beside an ONNX file. `convert_model` would do the same and report its use."""
    target = onnx_file.with_name("model.xml")
    try:
        openvino.save_model(openvino.Core().read_model(onnx_file), target, compress_to_fp16=False)
    except RuntimeError as error:
        raise ExportError(f"OpenVINO cannot take this architecture: {error}") from error
    return [target, target.with_suffix(".bin")]


def _put_in_place(files: list[Path], exports: Path, backend: str) -> None:
    exports.mkdir(exist_ok=True)
    # Without its check an export is not used: half a replacement never serves.
    (exports / f"{backend}.json").unlink(missing_ok=True)
    target = exports.parent / EXPORTED_TO[backend]
    target.parent.mkdir(exist_ok=True)
    for file in files:
        shutil.move(file, target.with_name(file.name))
