"""Files in, measured masks out: decoding, the network and measuring overlap, and memory stays bounded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch

from segmentation.large import segment_raster, small_copy
from segmentation.look import Look, look_at
from segmentation.measure import PictureMeasurement, measure
from segmentation.measure_strips import ConfidenceSums, measure_strips
from segmentation.pictures import DEFAULT_LIMITS, PictureError, PictureLimits, header_size, read_reduced
from segmentation.rasters import LARGE_PIXELS, opened_raster
from segmentation.relay import Relay, Stages
from segmentation.segmenter import Segmenter
from segmentation.spent import Spent
from segmentation.underway import ScaledPicture, Underway

_THREADS = 2
_NETWORKS = 2
_CHUNK_COUNT = {"cpu": 8, "cuda": 32}


@dataclass(frozen=True)
class StreamResult:
    """One segmented picture of `width` × `height` pixels; `mask` uint8 (height, width) of labels, 255 = none.

    `rgb` is the upright picture, uint8 (h, w, 3): smaller than the mask where the file was decoded at 1/2, 1/4 or 1/8
    of its size because the network sees no more, but never below 1,024 pixels on the longer side for that.
    `look` is the whole picture's, whatever the mask says. `finished` is what `finish` made of the rest.
    """

    key: Any
    width: int
    height: int
    rgb: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]
    measurement: PictureMeasurement
    look: Look
    error: None = None
    finished: Any = None


@dataclass(frozen=True)
class FailedPicture:
    """One file that gave no numbers; `error` says why, to continue a sentence about it: "photo.jpg …"."""

    key: Any
    error: str


@dataclass(frozen=True)
class _Decoded:
    """`rgb` as in a StreamResult; `scaled` is what the network gets of it."""

    rgb: npt.NDArray[np.uint8]
    scaled: ScaledPicture

    @property
    def size(self) -> tuple[int, int]:
        return self.scaled.height, self.scaled.width


@dataclass(frozen=True)
class _Large:
    """A picture that is opened only when its turn comes, and then read in bands."""

    path: str | os.PathLike[str]
    size: tuple[int, int]


@dataclass(frozen=True)
class _LargeFound:
    """What came of it: mask after the label map, sums of confidence, and a small copy as the `rgb` of its result."""

    mask: npt.NDArray[np.uint8]
    confidence: ConfidenceSums
    rgb: npt.NDArray[np.uint8]


def segment_files(
    segmenter: Segmenter,
    items: Iterable[tuple[Any, str | os.PathLike[str]]],
    *,
    label_map: npt.NDArray[np.uint8] | None = None,
    label_count: int | None = None,
    limits: PictureLimits = DEFAULT_LIMITS,
    chunk_count: int | None = None,
    pixels_ahead: int = LARGE_PIXELS,
    spent: Spent | None = None,
    finish: Callable[[StreamResult], Any] | None = None,
    while_waiting: Callable[[], None] | None = None,
) -> Iterator[StreamResult | FailedPicture]:
    """Segment and measure files, one result for each (key, path), in order. A broken file stops nothing.

    `label_map` uint8 (256,) turns the model's label indices into others, 255 = no label; None keeps them.
    `label_count` is how many labels are measured (default: the model's). Pictures that the network sees at one size
    go through it together, at most `chunk_count` of them (default: 8, on a GPU 32), also where others lie between.
    Under way at any time, from being opened to being taken by the caller, are at most three times as many, and no
    more than have `pixels_ahead` pixels together: a slow caller fills no memory. `finish` is called with every result
    in the threads that measure, behind the network: writing files belongs there.

    The network runs in a thread of its own; in two, each with half of torch's threads, where it may be called from
    several at once: one goes on while the other hands over. Who is alone takes all of them. Closing the iterator early
    stops all threads. Only what a single picture can be blamed for becomes a `FailedPicture`; a GPU that falls over
    raises. `spent` is told the seconds of "decoding", "model" and "measuring". `while_waiting` is called every second
    in which the caller waits for a result.
    """
    if label_map is not None and (label_map.shape != (256,) or label_map.dtype != np.uint8):
        raise ValueError(f"label_map is uint8 (256,), this is {label_map.dtype} {label_map.shape}")
    if label_count is None:
        if label_map is not None:
            raise ValueError("with a label_map, label_count must say how many labels there are after it")
        label_count = len(segmenter.spec.labels)
    steps = _Steps(segmenter, limits, label_map, label_count, spent or Spent(), finish, pixels_ahead)
    count = chunk_count or _CHUNK_COUNT[segmenter.device.type]
    threads = _threads(segmenter.device.type)
    networks = min(_NETWORKS, torch.get_num_threads()) if segmenter.can_be_shared else 1
    with Stages(readers=threads, networks=networks, finishers=threads) as stages:
        relay = Relay(
            stages,
            steps,
            count_under_way=3 * count,
            pixels_under_way=pixels_ahead,
            largest_chunk=count,
            while_waiting=while_waiting,
        )
        yield from relay.results(items)


def _threads(device: str) -> int:
    """Of each stage beside the network: where that has a GPU to itself, the cores are theirs."""
    return _THREADS if device == "cpu" else max(_THREADS, (os.cpu_count() or 1) // 2)


@dataclass(frozen=True)
class _Steps:
    """What is done with pictures at each stage; see `relay.Steps`."""

    segmenter: Segmenter
    limits: PictureLimits
    label_map: npt.NDArray[np.uint8] | None
    label_count: int
    spent: Spent
    finish_result: Callable[[StreamResult], Any] | None
    pixels_at_once: int

    def chunk_count(self, height: int, width: int) -> int:
        return self.segmenter.chunk_count(*self.segmenter.network_size(height, width))

    def network_size(self, height: int, width: int) -> tuple[int, int]:
        return self.segmenter.network_size(height, width)

    def read(self, path: str | os.PathLike[str]) -> _Decoded | _Large | str:
        size = header_size(path)
        if size[0] * size[1] > self.pixels_at_once:
            return _Large(path, size)
        try:
            with self.spent.on("decoding"):
                picture = read_reduced(path, self.segmenter.network_size, limits=self.limits)
                return _Decoded(picture.rgb, self.segmenter.scaled(picture.rgb, (picture.height, picture.width)))
        except PictureError as error:
            return str(error)

    def forward(self, chunk: list[_Decoded | _Large]) -> Sequence[Underway | _LargeFound | str]:
        large = [self._in_bands(one) for one in chunk if isinstance(one, _Large)]
        if large:
            return large
        with self.spent.on("model"):
            return self.segmenter.begin([one.scaled for one in chunk if isinstance(one, _Decoded)])

    def _in_bands(self, large: _Large) -> _LargeFound | str:
        try:
            with opened_raster(large.path, limits=self.limits) as raster:
                with self.spent.on("decoding"):
                    rgb = small_copy(raster)
                with self.spent.on("model"):
                    return _LargeFound(*segment_raster(self.segmenter, raster, self.label_map), rgb)
        except PictureError as error:
            return str(error)

    def finish(
        self, key: Any, decoded: _Decoded | _Large, found: Underway | _LargeFound | str
    ) -> StreamResult | FailedPicture:
        if isinstance(found, str):
            return FailedPicture(key, found)
        with self.spent.on("measuring"):
            result = self._measured(key, decoded, found)
        return result if self.finish_result is None else replace(result, finished=self.finish_result(result))

    def _measured(self, key: Any, decoded: _Decoded | _Large, found: Underway | _LargeFound) -> StreamResult:
        if isinstance(found, _LargeFound):
            mask, rgb = found.mask, found.rgb
            measurement = measure_strips(mask, self.label_count, found.confidence)
        else:
            segmentation = found()
            mask = segmentation.mask if self.label_map is None else self.label_map[segmentation.mask]
            rgb = cast("_Decoded", decoded).rgb
            measurement = measure(mask, self.label_count, segmentation.confidence)
        height, width = mask.shape
        return StreamResult(key, width, height, rgb, mask, measurement, look_at(rgb, max(height, width)))

    def failed(self, key: Any, reason: str) -> FailedPicture:
        return FailedPicture(key, reason)
