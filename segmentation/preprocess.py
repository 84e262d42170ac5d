"""uint8 picture → tensor, the same way in training and inference, and logits back to the picture's own size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from segmentation.spec import ModelSpec

_LUMINANCE = (0.299, 0.587, 0.114)


def to_tensor(
    pictures: Sequence[npt.NDArray[np.uint8]], spec: ModelSpec, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Pictures uint8 (H, W, C) of one size → normalised float32 (N, `spec.channels`, H, W), channels last in memory.

    ValueError where the model cannot be fed with pictures of C channels; see `normalise`.
    """
    stacked = torch.from_numpy(np.stack(pictures)).to(device)
    return normalise(stacked.permute(0, 3, 1, 2), spec)


def normalise(pixels: torch.Tensor, spec: ModelSpec) -> torch.Tensor:
    """(N, C, H, W) of 0–255 → float32 (N, `spec.channels`, H, W): (pixel - mean) / std.

    A model of one channel gets the luminance of RGB (ITU-R BT.601). ValueError for any other change of channels.
    """
    mean = torch.tensor(spec.mean, device=pixels.device).view(1, -1, 1, 1)
    std = torch.tensor(spec.std, device=pixels.device).view(1, -1, 1, 1)
    return (_with_channels(pixels.float(), spec.channels) - mean) / std


def _with_channels(pixels: torch.Tensor, count: int) -> torch.Tensor:
    found = pixels.shape[1]
    if found == count:
        return pixels
    if (found, count) == (3, 1):
        weights = torch.tensor(_LUMINANCE, device=pixels.device).view(1, 3, 1, 1)
        return (pixels * weights).sum(dim=1, keepdim=True)
    raise ValueError(
        f"this model takes pictures of {count} channels, these have {found}: "
        "take a model for such pictures, or pictures like those it was trained on"
    )


def enlarged_bands(
    bands: Iterable[tuple[int, torch.Tensor]],
    source_height: int,
    height: int,
    width: int,
    *,
    max_values: int = 32_000_000,
) -> Iterator[tuple[int, torch.Tensor]]:
    """Logits (K, `source_height`, w), given as bands (first row, (K, rows, w)), enlarged to (K, `height`, `width`).

    Gives (first row, (K, rows, width)) from top to bottom, at most about `max_values` numbers each, as soon as the
    rows it takes are there; rows that nothing more takes are let go. Equal to
    `F.interpolate(mode="bilinear", align_corners=False)` of the whole.
    """
    kept: torch.Tensor | None = None
    first = top = 0
    for _, band in bands:
        kept = band if kept is None else torch.cat([kept, band], dim=1)
        end = first + kept.shape[1]
        rows = max(1, max_values // (kept.shape[0] * width))
        while top < height:
            bottom = min(height, top + rows)
            place = _source_rows(top, bottom, height, source_height)
            above = place.floor().long()
            below = (above + 1).clamp(max=source_height - 1)
            if int(below[-1]) >= end:
                break
            # Computed here, so that nothing waits for a GPU.
            share = (place - above).to(kept).view(1, -1, 1)
            upper, lower = (kept[:, (rows_of - first).to(kept.device)] for rows_of in (above, below))
            mixed = torch.lerp(upper, lower, share)
            yield (
                top,
                F.interpolate(mixed[None], (bottom - top, width), mode="bilinear", align_corners=False)[0],
            )
            top = bottom
        if top < height:
            needed = int(_source_rows(top, top + 1, height, source_height)[0].floor())
            kept, first = kept[:, needed - first :], needed


def _source_rows(top: int, bottom: int, height: int, source_height: int) -> torch.Tensor:
    """Where the middles of rows `top` to `bottom` of `height` lie among `source_height` rows, float64."""
    place = torch.arange(top, bottom, dtype=torch.float64)
    return ((place + 0.5) * (source_height / height) - 0.5).clamp(min=0, max=source_height - 1)
