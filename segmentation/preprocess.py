"""uint8 RGB → tensor, the same way in training and inference, and logits back to the picture's own size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from segmentation.spec import ModelSpec


def scaled_size(height: int, width: int, max_side_px: int | None) -> tuple[int, int]:
    """Height and width the network sees: the picture's own, or shrunk to a longer side of `max_side_px`."""
    longest = max(height, width)
    if max_side_px is None or longest <= max_side_px:
        return height, width
    scale = max_side_px / longest
    return max(1, round(height * scale)), max(1, round(width * scale))


def scale_down(rgb: npt.NDArray[np.uint8], max_side_px: int | None) -> npt.NDArray[np.uint8]:
    """uint8 (H, W, 3) averaged down to `scaled_size`; the same array where nothing is to be done."""
    size = scaled_size(rgb.shape[0], rgb.shape[1], max_side_px)
    if size == rgb.shape[:2]:
        return rgb
    return np.asarray(cv2.resize(rgb, (size[1], size[0]), interpolation=cv2.INTER_AREA), np.uint8)


def to_tensor(
    pictures: Sequence[npt.NDArray[np.uint8]], spec: ModelSpec, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Pictures uint8 (H, W, 3) of one size → normalised float32 (N, 3, H, W), channels last in memory."""
    stacked = torch.from_numpy(np.stack(pictures)).to(device)
    return normalise(stacked.permute(0, 3, 1, 2), spec)


def normalise(pixels: torch.Tensor, spec: ModelSpec) -> torch.Tensor:
    """(N, 3, H, W) of 0–255 → float32 (pixel - mean) / std."""
    mean = torch.tensor(spec.mean, device=pixels.device).view(1, 3, 1, 1)
    std = torch.tensor(spec.std, device=pixels.device).view(1, 3, 1, 1)
    return (pixels.float() - mean) / std


def enlarged_bands(
    logits: torch.Tensor, height: int, width: int, *, max_values: int = 32_000_000
) -> Iterator[tuple[int, torch.Tensor]]:
    """Logits (K, h, w) bilinearly enlarged to (K, `height`, `width`), as bands of rows that fit in memory.

    Gives (first row, (K, rows, width)) from top to bottom, at most about `max_values` numbers each. Equal to
    `F.interpolate(mode="bilinear", align_corners=False)` of the whole.
    """
    rows = max(1, max_values // (logits.shape[0] * width))
    source_height = logits.shape[1]
    for top in range(0, height, rows):
        place = torch.arange(top, min(height, top + rows), device=logits.device, dtype=torch.float64)
        place = ((place + 0.5) * (source_height / height) - 0.5).clamp(min=0, max=source_height - 1)
        above = place.floor().long()
        below = (above + 1).clamp(max=source_height - 1)
        share = (place - above).to(logits.dtype).view(1, -1, 1)
        band = torch.lerp(logits[:, above], logits[:, below], share)
        yield top, F.interpolate(band[None], (len(place), width), mode="bilinear", align_corners=False)[0]
