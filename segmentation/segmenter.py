"""Run a model over pictures: mask and confidence for each, in its own size."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from segmentation import preprocess, scaling, tiles
from segmentation.architectures_catalogue import facts_of
from segmentation.backends import AUTO, Backend, EagerBackend, open_backend, runs_on
from segmentation.model_files import file_sha256, weights_path
from segmentation.spec import MIRRORS, ModelSpec
from segmentation.underway import CopyStream, ScaledPicture, Segmentation, Underway, from_the_gpu, on_the_cpu
from segmentation.weights import load_spec

__all__ = ["Segmentation", "Segmenter", "pick_device"]

# Larger chunks do not help on a CPU; on a GPU they hide the cost of starting kernels.
_CHUNK_PIXELS = {"cpu": 512 * 512, "cuda": 16 * 512 * 512}
_MAX_CHUNK_COUNT = 64
_OVERLAP_SHARE = 8
_WARM_UP_CALLS = 3

DecidedBlock = tuple[int, int, npt.NDArray[np.uint8], npt.NDArray[np.float32]]
"""First row and column of a part of a picture, its mask uint8 and confidence float32 (rows, columns)."""


def pick_device(name: str) -> torch.device:
    """'auto' takes a GPU where there is one. ValueError for an unknown name or a GPU that is not there."""
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"the device is 'auto', 'cpu' or 'cuda', not {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda' was asked for, but torch finds no NVIDIA GPU here; take 'auto' or 'cpu'")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


class Segmenter:
    """A model folder, loaded once, used from one thread at a time unless it `can_be_shared`."""

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
        return cls.of_backend(spec, EagerBackend(module, pick_device(device), is_exact=is_exact, is_learning=True))

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
        # (N, C, H, W): along the width, along the height, along both
        across, down = ([axis] if name in spec.mirrors else [] for axis, name in zip((3, 2), MIRRORS, strict=True))
        self._mirrored_axes = [axes for axes in (across, down, across + down if across and down else []) if axes]
        self._copies = CopyStream(backend.device) if backend.device.type == "cuda" else None

    @property
    def backend(self) -> str:
        """The name of what computes the logits: "torch", "onnx" or "openvino"."""
        return self._backend.name

    @property
    def can_be_shared(self) -> bool:
        """Whether threads may call it at the same time."""
        return self._backend.can_be_shared

    def segment(self, images: Sequence[npt.NDArray[np.uint8]]) -> list[Segmentation]:
        """Segment pictures uint8 (H, W, C) of any sizes; results in the same order. C is the model's, or 3 for 1.

        Pictures of one size go through the network together, as many as fit its chunk.
        """
        pictures = [self.scaled(image) for image in images]
        results: dict[int, Segmentation] = {}
        for places in self._chunks(pictures):
            for place, finish in zip(places, self._begun([pictures[place] for place in places]), strict=True):
                results[place] = finish()
        return [results[place] for place in range(len(pictures))]

    def scaled(self, image: npt.NDArray[np.uint8], size: tuple[int, int] | None = None) -> ScaledPicture:
        """A picture as the network will see it, for `begin`; from any thread.

        `size`: the picture's own height and width, where `image` was decoded at a share of it.
        """
        self._refuse_what_is_no_picture(image)
        height, width = size or image.shape[:2]
        wanted = self.network_size(height, width)
        return ScaledPicture(scaling.reduced(image, wanted), height, width)

    def network_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width at which the network sees a picture of this size."""
        return scaling.scaled_size(height, width, self.spec.max_side_px, self.spec.scale)

    def begin(self, pictures: Sequence[ScaledPicture]) -> list[Underway]:
        """Send pictures through the network; results in the same order, for whichever thread calls them.

        Pictures of one size go together, as many as fit its chunk. What makes masks of logits is left to those calls
        on a CPU; a GPU does it behind the network, and nothing here waits for it.
        """
        results: dict[int, Underway] = {}
        for places in self._chunks(pictures):
            results |= zip(places, self._begun([pictures[place] for place in places]), strict=True)
        return [results[place] for place in range(len(pictures))]

    def _begun(self, chunk: Sequence[ScaledPicture]) -> list[Underway]:
        with torch.inference_mode():
            bands = self._bands([one.pixels for one in chunk])
            return [self._underway(picture, found) for picture, found in zip(chunk, bands, strict=True)]

    def _underway(self, picture: ScaledPicture, bands: Iterable[tuple[int, torch.Tensor]]) -> Underway:
        if self._copies is not None:
            return from_the_gpu(*self._assembled(picture, bands))
        # Tiles are still to be computed, and the network belongs to this thread.
        if self._is_tiled(*picture.size):
            return on_the_cpu(*self._assembled(picture, bands))

        def finish() -> Segmentation:
            with torch.inference_mode():
                return on_the_cpu(*self._assembled(picture, bands))()

        return finish

    def warm_up(self, side_px: int | None = None) -> None:
        """Send blank pictures through the network, so that the first real ones need not wait for its preparation.

        A GPU is prepared for one size (512 pixels a side where not said), a processor for all.
        """
        side_px = side_px or (512 if self.device.type == "cuda" else 64)
        blank = self.scaled(np.zeros((side_px, side_px, max(3, self.spec.channels)), np.uint8))
        chunk = [blank] * self.chunk_count(*blank.size)
        for _ in range(_WARM_UP_CALLS if self.device.type == "cuda" else 1):
            for finish in self.begin(chunk):
                finish()

    def logits(self, rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Logits float32 (K, H, W) of one picture in its own size, not divided by the temperature.

        Takes 4·K bytes a pixel; `logits_at` needs no more than a band of it.
        """
        found = np.empty((len(self.spec.labels), *rgb.shape[:2]), np.float32)
        for top, band in self.logit_bands(rgb):
            found[:, top : top + band.shape[1]] = band.cpu().numpy()
        return found

    def logits_at(
        self, image: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Logits float32 (n, K) of these pixels of one picture, not divided by the temperature."""
        found = np.empty((len(rows), len(self.spec.labels)), np.float32)
        for top, band in self.logit_bands(image):
            inside = np.flatnonzero((rows >= top) & (rows < top + band.shape[1]))
            places = torch.from_numpy(rows[inside] - top), torch.from_numpy(columns[inside])
            found[inside] = band[:, places[0], places[1]].T.float().cpu().numpy()
        return found

    def logit_bands(self, picture: npt.NDArray[np.uint8]) -> Iterator[tuple[int, torch.Tensor]]:
        """Logits of one picture in its own size, as bands of rows: (first row, (K, rows, W)) from top to bottom."""
        self._refuse_what_is_no_picture(picture)
        with torch.inference_mode():
            scaled = self.scaled(picture)
            for bands in self._bands([scaled.pixels]):
                yield from self._own_size(scaled, bands)

    def _refuse_what_is_no_picture(self, image: npt.NDArray[np.uint8]) -> None:
        count = self.spec.channels
        taken = (1, 3) if count == 1 else (count,)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in taken or image.size == 0:
            raise ValueError(f"a picture is uint8 (H, W, {taken[-1]}), this is {image.dtype} {image.shape}")

    def _chunks(self, pictures: Sequence[ScaledPicture]) -> Iterator[list[int]]:
        """Places of pictures that go through the network together: one size, few enough pixels."""
        by_size: dict[tuple[int, int], list[int]] = {}
        for place, picture in enumerate(pictures):
            by_size.setdefault(picture.size, []).append(place)
        for (height, width), places in by_size.items():
            count = self.chunk_count(height, width)
            yield from (places[first : first + count] for first in range(0, len(places), count))

    def chunk_count(self, height: int, width: int) -> int:
        """How many pictures that the network sees at this size go through it together."""
        return 1 if self._is_tiled(height, width) else self._count_at_once(height, width)

    def _bands(self, scaled: list[npt.NDArray[np.uint8]]) -> Iterator[Iterable[tuple[int, torch.Tensor]]]:
        """For each picture its logits as bands of rows (first row, (K, rows, w))."""
        height, width = scaled[0].shape[:2]
        if self._is_tiled(height, width):
            yield tiles.tiled_bands(tiles.ArrayRows(scaled[0]), self._forward, **self._tiling())
        else:
            for logits in self._forward(scaled):
                yield [(0, logits)]

    def _tiling(self) -> dict[str, int]:
        tile_px = self.spec.tile_px
        chunk_count = self._count_at_once(tile_px, tile_px)
        return {"tile_px": tile_px, "overlap_px": self._overlap_px(), "chunk_count": chunk_count}

    def decided_blocks(self, picture: tiles.Rows) -> Iterator[DecidedBlock]:
        """Mask and confidence of a picture of the network's own size, part by part, in little memory."""
        with torch.inference_mode():
            for top, left, logits in tiles.tiled_blocks(picture, self._forward, **self._tiling()):
                yield self._decided_block(top, left, logits)

    def decided_bands(self, picture: ScaledPicture) -> Iterator[DecidedBlock]:
        """The same of a picture that the network sees smaller, as bands of its own width."""
        with torch.inference_mode():
            for bands in self._bands([picture.pixels]):
                for top, logits in self._own_size(picture, bands):
                    yield self._decided_block(top, 0, logits)

    def _decided_block(self, top: int, left: int, logits: torch.Tensor) -> DecidedBlock:
        mask, confidence = self._decided(logits)
        return top, left, mask.cpu().numpy(), confidence.cpu().numpy()

    def _assembled(
        self, picture: ScaledPicture, bands: Iterable[tuple[int, torch.Tensor]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mask uint8 and confidence float32 (H, W) in the picture's own size, on the device."""
        mask = torch.empty((picture.height, picture.width), dtype=torch.uint8, device=self.device)
        confidence = torch.empty(mask.shape, dtype=torch.float32, device=self.device)
        for top, band in self._own_size(picture, bands):
            rows = slice(top, top + band.shape[1])
            mask[rows], confidence[rows] = self._decided(band)
        return mask, confidence

    def _decided(self, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(K, rows, W) → the winning label and its calibrated probability, (rows, W) each."""
        if self.spec.temperature != 1:
            logits = logits / self.spec.temperature
        best, index = logits.max(dim=0)
        return index.to(torch.uint8), (best - logits.logsumexp(dim=0)).exp_().clamp_(max=1)

    def _own_size(
        self, picture: ScaledPicture, bands: Iterable[tuple[int, torch.Tensor]]
    ) -> Iterable[tuple[int, torch.Tensor]]:
        """Bands of logits as the network gave them → bands in the picture's own size."""
        if picture.size == (picture.height, picture.width):
            return bands
        return preprocess.enlarged_bands(bands, picture.size[0], picture.height, picture.width)

    def _forward(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> torch.Tensor:
        pixels = preprocess.to_tensor(pictures, self.spec, self.device)
        logits = self._backend.logits(pixels)
        for axes in self._mirrored_axes:
            logits = logits + self._backend.logits(pixels.flip(axes)).flip(axes)
        if self._mirrored_axes:
            logits /= 1 + len(self._mirrored_axes)
        if self.spec.defect_offset:
            logits[:, sorted(self.spec.defect_indices)] += self.spec.defect_offset
        return logits

    def _is_tiled(self, height: int, width: int) -> bool:
        return max(height, width) > self.spec.tile_px

    def _overlap_px(self) -> int:
        """A model that says how far it looks around a pixel gets at least that much."""
        if self._family.is_pointwise:
            return 0
        halo_px = int(self.spec.options.get("halo_px", 1))
        return min(self.spec.tile_px // 2, max(halo_px, self.spec.tile_px // _OVERLAP_SHARE, 1))

    def _count_at_once(self, height: int, width: int) -> int:
        return max(1, min(_MAX_CHUNK_COUNT, _CHUNK_PIXELS[self.device.type] // (height * width)))
