"""Files in, measured masks out: decoding, the network and measuring overlap, and memory stays bounded."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from segmentation.look import Look, look_at
from segmentation.measure import PictureMeasurement, measure
from segmentation.pictures import DEFAULT_LIMITS, PictureError, PictureLimits, header_pixels, read_rgb
from segmentation.segmenter import Segmentation, Segmenter
from segmentation.spent import Spent

_DECODE_THREADS = 2
_MEASURE_THREADS = 2


@dataclass(frozen=True)
class StreamResult:
    """One segmented picture: upright `rgb` uint8 (height, width, 3); `mask` uint8 of labels, 255 = none.

    `look` is the whole picture's, whatever the mask says.
    """

    key: Any
    width: int
    height: int
    rgb: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]
    measurement: PictureMeasurement
    look: Look
    error: None = None


@dataclass(frozen=True)
class FailedPicture:
    """One file that gave no numbers; `error` says why, to continue a sentence about it: "photo.jpg …"."""

    key: Any
    error: str


@dataclass(frozen=True)
class _Decoded:
    key: Any
    rgb: npt.NDArray[np.uint8] | None
    error: str = ""

    @property
    def pixels(self) -> int:
        return 0 if self.rgb is None else self.rgb.shape[0] * self.rgb.shape[1]


def segment_files(
    segmenter: Segmenter,
    items: Iterable[tuple[Any, str | os.PathLike[str]]],
    *,
    label_map: npt.NDArray[np.uint8] | None = None,
    label_count: int | None = None,
    limits: PictureLimits = DEFAULT_LIMITS,
    chunk_count: int = 8,
    pixels_ahead: int = 48_000_000,
    spent: Spent | None = None,
) -> Iterator[StreamResult | FailedPicture]:
    """Segment and measure files, one result for each (key, path), in order. A broken file stops nothing.

    `label_map` uint8 (256,) turns the model's label indices into others, 255 = no label; None keeps them.
    `label_count` is how many labels are measured (default: the model's). At most `chunk_count` pictures, or
    fewer that have `pixels_ahead` pixels together, are decoded before the network needs them. Closing the
    iterator early stops its threads. Only what a single picture can be blamed for becomes a `FailedPicture`;
    a GPU that falls over raises. `spent` is told the seconds of "decoding", "model" and "measuring".
    """
    if label_map is not None and (label_map.shape != (256,) or label_map.dtype != np.uint8):
        raise ValueError(f"label_map is uint8 (256,), this is {label_map.dtype} {label_map.shape}")
    if label_count is None:
        if label_map is not None:
            raise ValueError("with a label_map, label_count must say how many labels there are after it")
        label_count = len(segmenter.spec.labels)
    spent = spent or Spent()
    with _Threads("decode", _DECODE_THREADS) as readers, _Threads("measure", _MEASURE_THREADS) as measurers:
        measured: list[Future[StreamResult | FailedPicture]] = []
        decoded_pictures = _decoded(readers, items, limits, chunk_count, pixels_ahead, spent)
        for chunk in _chunks(decoded_pictures, chunk_count, pixels_ahead):
            with spent.on("model"):
                found = _segmented(segmenter, chunk)
            following = [
                measurers.submit(_measured, decoded, result, label_map, label_count, spent)
                for decoded, result in zip(chunk, found, strict=True)
            ]
            for future in measured:
                yield future.result()
            measured = following
        for future in measured:
            yield future.result()


class _Threads(ThreadPoolExecutor):
    """Threads that drop what is still waiting when the block is left, by whichever way."""

    def __init__(self, name: str, count: int) -> None:
        super().__init__(count, thread_name_prefix=f"pixelwise-{name}")

    def __exit__(self, *exception: object) -> None:
        self.shutdown(wait=True, cancel_futures=True)


def _decoded(
    readers: ThreadPoolExecutor,
    items: Iterable[tuple[Any, str | os.PathLike[str]]],
    limits: PictureLimits,
    count_ahead: int,
    pixels_ahead: int,
    spent: Spent,
) -> Iterator[_Decoded]:
    """Pictures in order, read ahead by threads as far as count and pixels allow."""
    sized = ((key, path, header_pixels(path)) for key, path in items)
    upcoming = next(sized, None)
    waiting: deque[tuple[int, Future[_Decoded]]] = deque()
    while waiting or upcoming is not None:
        while upcoming is not None and len(waiting) < count_ahead:
            key, path, pixels = upcoming
            if waiting and sum(ahead for ahead, _ in waiting) + pixels > pixels_ahead:
                break
            waiting.append((pixels, readers.submit(_read, key, path, limits, spent)))
            upcoming = next(sized, None)
        yield waiting.popleft()[1].result()


def _read(key: Any, path: str | os.PathLike[str], limits: PictureLimits, spent: Spent) -> _Decoded:
    try:
        with spent.on("decoding"):
            return _Decoded(key, read_rgb(path, limits=limits))
    except PictureError as error:
        return _Decoded(key, None, str(error))


def _chunks(decoded: Iterable[_Decoded], count: int, pixels: int) -> Iterator[list[_Decoded]]:
    chunk: list[_Decoded] = []
    for picture in decoded:
        if chunk and (len(chunk) >= count or sum(one.pixels for one in chunk) + picture.pixels > pixels):
            yield chunk
            chunk = []
        chunk.append(picture)
    if chunk:
        yield chunk


def _segmented(segmenter: Segmenter, chunk: Sequence[_Decoded]) -> list[Segmentation | str]:
    """A segmentation or, where there is none, the reason, for each picture of the chunk."""
    pictures = [picture.rgb for picture in chunk if picture.rgb is not None]
    found = iter(_segmented_pictures(segmenter, pictures))
    return [picture.error if picture.rgb is None else next(found) for picture in chunk]


def _segmented_pictures(segmenter: Segmenter, pictures: list[npt.NDArray[np.uint8]]) -> list[Segmentation | str]:
    try:
        return [*segmenter.segment(pictures)]
    except (RuntimeError, MemoryError) as error:
        if not _is_out_of_memory(error):
            raise
        if len(pictures) == 1:
            height, width = pictures[0].shape[:2]
            return [f"is {width:,} × {height:,} pixels: too large for the memory of this machine"]
    return [result for picture in pictures for result in _segmented_pictures(segmenter, [picture])]


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _measured(
    decoded: _Decoded,
    found: Segmentation | str,
    label_map: npt.NDArray[np.uint8] | None,
    label_count: int,
    spent: Spent,
) -> StreamResult | FailedPicture:
    if isinstance(found, str) or decoded.rgb is None:
        return FailedPicture(decoded.key, str(found))
    with spent.on("measuring"):
        mask = found.mask if label_map is None else label_map[found.mask]
        height, width = mask.shape
        measurement = measure(mask, label_count, found.confidence)
        return StreamResult(decoded.key, width, height, decoded.rgb, mask, measurement, look_at(decoded.rgb))
