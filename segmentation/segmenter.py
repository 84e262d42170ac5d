"""Run a model over pictures: mask and confidence for each, in its own size."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from segmentation import preprocess, tiles
from segmentation.architectures_catalogue import facts_of
from segmentation.backends import AUTO, Backend, EagerBackend, open_backend, runs_on
from segmentation.model_files import file_sha256, weights_path
from segmentation.spec import ModelSpec
from segmentation.weights import load_spec

# Larger chunks do not help on a CPU; on a GPU they hide the cost of starting kernels.
_CHUNK_PIXELS = {"cpu": 512 * 512, "cuda": 16 * 512 * 512}
_MAX_CHUNK_COUNT = 64
_OVERLAP_SHARE = 8


@dataclass(frozen=True)
class Segmentation:
    """`mask` uint8 (H, W) of the model's labels; `confidence` float32 (H, W), the winner's calibrated softmax, 0–1."""

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

    def __init__(self, folder: str | os.PathLike[str], device: str = "auto", backend: str = AUTO) -> None:
        """`backend`: "torch", "onnx" or "openvino"; "auto" is what the folder's `backend.json` names, else torch.

        ModelFolderError where the folder holds no whole model; ExportError where the backend asked for by name is
        not there, has not passed its check, or knows nothing of the GPU asked for.
        """
        spec = load_spec(folder)
        picked = pick_device(device)
        if device == "auto" and not runs_on(backend, picked):
            picked = torch.device("cpu")
        self._take(spec, open_backend(folder, spec, picked, backend))
        self.sha256 = file_sha256(weights_path(folder, spec.architecture))

    @classmethod
    def of_module(cls, spec: ModelSpec, module: nn.Module, *, device: str = "auto") -> Segmenter:
        """A network that is in memory, in evaluation mode: training validates with the code that serves."""
        is_exact = facts_of(spec.architecture).is_exact
        return cls.of_backend(spec, EagerBackend(module, pick_device(device), is_exact=is_exact))

    @classmethod
    def of_backend(cls, spec: ModelSpec, backend: Backend) -> Segmenter:
        """What computes logits is open already: an export before it has passed its check."""
        segmenter = cls.__new__(cls)
        segmenter._take(spec, backend)
        return segmenter

    def _take(self, spec: ModelSpec, backend: Backend) -> None:
        self.spec, self.sha256 = spec, ""
        self._backend, self.device = backend, backend.device
        self._family = facts_of(spec.architecture)

    @property
    def backend(self) -> str:
        """The name of what computes the logits: "torch", "onnx" or "openvino"."""
        return self._backend.name

    def segment(self, images: Sequence[npt.NDArray[np.uint8]]) -> list[Segmentation]:
        """Segment pictures uint8 (H, W, C) of any sizes; results in the same order. C is the model's, or 3 for 1.

        Pictures of one size go through the network together, as many as fit its chunk.
        """
        for image in images:
            self._refuse_what_is_no_picture(image)
        results: dict[int, Segmentation] = {}
        with torch.inference_mode():
            for places, scaled in self._chunks(images):
                for place, bands in zip(places, self._bands(scaled), strict=True):
                    results[place] = self._assembled(images[place], bands)
        return [results[place] for place in range(len(images))]

    def logits(self, rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Logits float32 (K, H, W) of one picture in its own size, not divided by the temperature.

        Takes 4·K bytes a pixel; `logits_at` needs no more than a band of it.
        """
        found = np.empty((len(self.spec.labels), *rgb.shape[:2]), np.float32)
        for top, band in self._own_bands(rgb):
            found[:, top : top + band.shape[1]] = band.cpu().numpy()
        return found

    def logits_at(
        self, image: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Logits float32 (n, K) of these pixels of one picture, not divided by the temperature."""
        found = np.empty((len(rows), len(self.spec.labels)), np.float32)
        for top, band in self._own_bands(image):
            inside = np.flatnonzero((rows >= top) & (rows < top + band.shape[1]))
            places = torch.from_numpy(rows[inside] - top), torch.from_numpy(columns[inside])
            found[inside] = band[:, places[0], places[1]].T.float().cpu().numpy()
        return found

    def _own_bands(self, picture: npt.NDArray[np.uint8]) -> Iterator[tuple[int, torch.Tensor]]:
        """Logits of one picture in its own size, as bands of rows."""
        self._refuse_what_is_no_picture(picture)
        with torch.inference_mode():
            for _, scaled in self._chunks([picture]):
                for bands in self._bands(scaled):
                    yield from self._own_size(picture, bands)

    def _refuse_what_is_no_picture(self, image: npt.NDArray[np.uint8]) -> None:
        count = self.spec.channels
        taken = (1, 3) if count == 1 else (count,)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in taken or image.size == 0:
            raise ValueError(f"a picture is uint8 (H, W, {taken[-1]}), this is {image.dtype} {image.shape}")

    def _chunks(
        self, images: Sequence[npt.NDArray[np.uint8]]
    ) -> Iterator[tuple[list[int], list[npt.NDArray[np.uint8]]]]:
        """Places and scaled pictures that go through the network together: one size, few enough pixels."""
        by_size: dict[tuple[int, int], list[int]] = {}
        for place, image in enumerate(images):
            size = preprocess.scaled_size(image.shape[0], image.shape[1], self.spec.max_side_px, self.spec.scale)
            by_size.setdefault(size, []).append(place)
        for (height, width), places in by_size.items():
            count = 1 if self._is_tiled(height, width) else self._chunk_count(height, width)
            for first in range(0, len(places), count):
                chunk = places[first : first + count]
                yield (
                    chunk,
                    [preprocess.scale_down(images[place], self.spec.max_side_px, self.spec.scale) for place in chunk],
                )

    def _bands(self, scaled: list[npt.NDArray[np.uint8]]) -> Iterator[Iterable[tuple[int, torch.Tensor]]]:
        """For each picture its logits as bands of rows (first row, (K, rows, w))."""
        height, width = scaled[0].shape[:2]
        if self._is_tiled(height, width):
            tile_px = self.spec.tile_px
            yield tiles.tiled_bands(
                scaled[0],
                self._forward,
                tile_px=tile_px,
                overlap_px=self._overlap_px(),
                chunk_count=self._chunk_count(tile_px, tile_px),
            )
        else:
            for logits in self._forward(scaled):
                yield [(0, logits)]

    def _assembled(self, image: npt.NDArray[np.uint8], bands: Iterable[tuple[int, torch.Tensor]]) -> Segmentation:
        """Mask and confidence in the picture's own size."""
        height, width = image.shape[:2]
        mask = np.empty((height, width), np.uint8)
        confidence = np.empty((height, width), np.float32)
        for top, band in self._own_size(image, bands):
            if self.spec.temperature != 1:
                band = band / self.spec.temperature
            best, index = band.max(dim=0)
            rows = slice(top, top + band.shape[1])
            mask[rows] = index.to(torch.uint8).cpu().numpy()
            confidence[rows] = (best - band.logsumexp(dim=0)).exp_().clamp_(max=1).cpu().numpy()
        return Segmentation(mask, confidence)

    def _own_size(
        self, image: npt.NDArray[np.uint8], bands: Iterable[tuple[int, torch.Tensor]]
    ) -> Iterable[tuple[int, torch.Tensor]]:
        """Bands of logits as the network gave them → bands in the picture's own size."""
        height, width = image.shape[:2]
        if preprocess.scaled_size(height, width, self.spec.max_side_px, self.spec.scale) == (height, width):
            return bands
        whole = torch.cat([band for _, band in bands], dim=1)
        return preprocess.enlarged_bands(whole, height, width)

    def _forward(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> torch.Tensor:
        pixels = preprocess.to_tensor(pictures, self.spec, self.device)
        return self._backend.logits(pixels)

    def _is_tiled(self, height: int, width: int) -> bool:
        return max(height, width) > self.spec.tile_px

    def _overlap_px(self) -> int:
        """A model that says how far it looks around a pixel gets at least that much."""
        if self._family.is_pointwise:
            return 0
        halo_px = int(self.spec.options.get("halo_px", 1))
        return min(self.spec.tile_px // 2, max(halo_px, self.spec.tile_px // _OVERLAP_SHARE, 1))

    def _chunk_count(self, height: int, width: int) -> int:
        return max(1, min(_MAX_CHUNK_COUNT, _CHUNK_PIXELS[self.device.type] // (height * width)))
