"""Run a model over pictures: mask and confidence for each, in its own size."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from segmentation import architectures, preprocess, tiles
from segmentation.spec import ModelSpec
from segmentation.weights import load_model

# Larger chunks do not help on a CPU; on a GPU they hide the cost of starting kernels.
_CHUNK_PIXELS = {"cpu": 512 * 512, "cuda": 16 * 512 * 512}
_MAX_CHUNK_COUNT = 64
_OVERLAP_SHARE = 8


@dataclass(frozen=True)
class Segmentation:
    """`mask` uint8 (H, W) of the model's labels; `confidence` float32 (H, W), the winner's softmax 0–1."""

    mask: npt.NDArray[np.uint8]
    confidence: npt.NDArray[np.float32]


def pick_device(name: str) -> torch.device:
    """'auto' takes a GPU where there is one. ValueError for an unknown name or a GPU that is not there."""
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"the device is 'auto', 'cpu' or 'cuda', not {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda' was asked for, but torch finds no NVIDIA GPU here; take 'auto' or 'cpu'")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


class Segmenter:
    """A model folder, loaded once, used from one thread at a time."""

    device: torch.device
    spec: ModelSpec
    sha256: str

    def __init__(self, folder: str | os.PathLike[str], device: str = "auto") -> None:
        """ModelFolderError where the folder holds no whole model."""
        loaded = load_model(folder)
        self._take(loaded.spec, loaded.module, loaded.sha256, device)

    @classmethod
    def of_module(cls, spec: ModelSpec, module: nn.Module, *, device: str = "auto") -> Segmenter:
        """A network that is in memory, in evaluation mode: training validates with the code that serves."""
        segmenter = cls.__new__(cls)
        segmenter._take(spec, module, "", device)
        return segmenter

    def _take(self, spec: ModelSpec, module: nn.Module, sha256: str, device: str) -> None:
        self.device = pick_device(device)
        self.spec, self.sha256 = spec, sha256
        self._module = module.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._family = architectures.find(spec.architecture)

    def segment(self, images: Sequence[npt.NDArray[np.uint8]]) -> list[Segmentation]:
        """Segment pictures uint8 (H, W, 3) of any sizes; results in the same order.

        Pictures of one size go through the network together, as many as fit its chunk.
        """
        for image in images:
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
                raise ValueError(f"a picture is uint8 (H, W, 3), this is {image.dtype} {image.shape}")
        results: dict[int, Segmentation] = {}
        with torch.inference_mode():
            for places, scaled in self._chunks(images):
                for place, bands in zip(places, self._bands(scaled), strict=True):
                    results[place] = self._assembled(images[place], bands)
        return [results[place] for place in range(len(images))]

    def _chunks(
        self, images: Sequence[npt.NDArray[np.uint8]]
    ) -> Iterator[tuple[list[int], list[npt.NDArray[np.uint8]]]]:
        """Places and scaled pictures that go through the network together: one size, few enough pixels."""
        by_size: dict[tuple[int, int], list[int]] = {}
        for place, image in enumerate(images):
            size = preprocess.scaled_size(image.shape[0], image.shape[1], self.spec.max_side_px)
            by_size.setdefault(size, []).append(place)
        for (height, width), places in by_size.items():
            count = 1 if self._is_tiled(height, width) else self._chunk_count(height, width)
            for first in range(0, len(places), count):
                chunk = places[first : first + count]
                yield chunk, [preprocess.scale_down(images[place], self.spec.max_side_px) for place in chunk]

    def _bands(self, scaled: list[npt.NDArray[np.uint8]]) -> Iterator[Iterable[tuple[int, torch.Tensor]]]:
        """For each picture its logits as bands of rows (first row, (K, rows, w))."""
        height, width = scaled[0].shape[:2]
        if self._is_tiled(height, width):
            tile_px = self.spec.tile_px
            yield tiles.tiled_bands(
                scaled[0],
                self._forward,
                tile_px=tile_px,
                overlap_px=0 if self._family.is_pointwise else max(1, tile_px // _OVERLAP_SHARE),
                chunk_count=self._chunk_count(tile_px, tile_px),
            )
        else:
            for logits in self._forward(scaled):
                yield [(0, logits)]

    def _assembled(self, image: npt.NDArray[np.uint8], bands: Iterable[tuple[int, torch.Tensor]]) -> Segmentation:
        """Mask and confidence in the picture's own size."""
        height, width = image.shape[:2]
        if preprocess.scaled_size(height, width, self.spec.max_side_px) != (height, width):
            whole = torch.cat([band for _, band in bands], dim=1)
            bands = preprocess.enlarged_bands(whole, height, width)
        mask = np.empty((height, width), np.uint8)
        confidence = np.empty((height, width), np.float32)
        for top, band in bands:
            best, index = band.max(dim=0)
            rows = slice(top, top + band.shape[1])
            mask[rows] = index.to(torch.uint8).cpu().numpy()
            confidence[rows] = (best - band.logsumexp(dim=0)).exp_().clamp_(max=1).cpu().numpy()
        return Segmentation(mask, confidence)

    def _forward(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> torch.Tensor:
        pixels = preprocess.to_tensor(pictures, self.spec, self.device)
        with self._precision():
            return self._module(pixels).float()

    def _precision(self) -> AbstractContextManager[object]:
        """bfloat16 is faster on a GPU, slower on CPUs, and would spoil whole-number arithmetic."""
        if self.device.type != "cuda" or self._family.is_exact:
            return nullcontext()
        return torch.autocast("cuda", torch.bfloat16)

    def _is_tiled(self, height: int, width: int) -> bool:
        return max(height, width) > self.spec.tile_px

    def _chunk_count(self, height: int, width: int) -> int:
        return max(1, min(_MAX_CHUNK_COUNT, _CHUNK_PIXELS[self.device.type] // (height * width)))
