"""Masks: uint8 rasters (H, W) of label indices 0–254; 255 = no label."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence, Set

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from segmentation.pictures import DEFAULT_LIMITS, PictureError, PictureLimits, opened_picture
from segmentation.spec import IGNORE_INDEX, LabelSpec

Mask = npt.NDArray[np.uint8]


def read_mask(path: str | os.PathLike[str], *, limits: PictureLimits = DEFAULT_LIMITS) -> Mask:
    """Read a PNG (or TIFF, BMP, GIF) of label indices: grey, palette (its indices) or equal channels.

    PictureError where the file is no such picture or holds a value above 255.
    """
    with opened_picture(path, limits=limits) as image:
        if image.format in ("JPEG", "MPO", "WEBP", "HEIF"):
            raise PictureError(f"is a {image.format} file; a mask must be stored without loss, as PNG")
        values = np.asarray(image)
        mode = image.mode
    if values.ndim == 3:
        if mode not in ("RGB", "LA", "RGBA") or not _channels_agree(values, mode):
            raise PictureError("is a colour picture; a mask must be a grey or palette PNG of label indices")
        values = values[:, :, 0]
    if np.issubdtype(values.dtype, np.floating) and not (values == np.rint(values)).all():
        raise PictureError("holds fractions; a mask holds whole numbers, label indices 0 to 254 and 255 for none")
    if values.size and (values.min() < 0 or values.max() > IGNORE_INDEX):
        raise PictureError(
            f"holds the values {values.min()} to {values.max()}; a mask holds label indices 0 to 254 and 255 for none"
        )
    return np.array(values, np.uint8)


def mask_png(mask: Mask) -> bytes:
    """8-bit grey PNG of label indices."""
    return _png(Image.fromarray(_checked(mask)))


def palette_png(mask: Mask, labels: Sequence[LabelSpec]) -> bytes:
    """PNG that shows the labels' colours and still holds their indices; 255 is transparent."""
    mask = _checked(mask)
    image = Image.frombytes("P", (mask.shape[1], mask.shape[0]), mask.tobytes())
    image.putpalette(_colors(labels).tobytes())
    return _png(image, transparency=IGNORE_INDEX)


def overlay(
    rgb: npt.NDArray[np.uint8],
    mask: Mask,
    labels: Sequence[LabelSpec],
    opacity: float = 0.5,
    skip: Set[int] = frozenset({0}),
) -> npt.NDArray[np.uint8]:
    """The picture uint8 (H, W, 3) with its labels laid over at `opacity` 0–1, but for those in `skip`."""
    if rgb.shape != (*_checked(mask).shape, 3):
        raise ValueError(f"the picture is {rgb.shape}, its mask {mask.shape}: they must have one size")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is a share from 0 to 1, not {opacity}")
    shown = np.zeros(256, np.uint8)
    shown[[label.index for label in labels if label.index not in skip]] = 255
    mixed = cv2.addWeighted(rgb, 1 - opacity, _colors(labels)[mask], opacity, 0)
    result = np.ascontiguousarray(rgb).copy()
    cv2.copyTo(mixed, cv2.LUT(mask, shown), result)
    return result


def thinned(mask: Mask, side_px: int) -> Mask:
    """A mask whose longer side has at most `side_px` pixels, each with the label of one of those it stands for."""
    height, width = mask.shape
    scale = side_px / max(height, width)
    if scale >= 1:
        return mask
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def _colors(labels: Sequence[LabelSpec]) -> npt.NDArray[np.uint8]:
    """uint8 (256, 3): the colour of each index, black where there is no label."""
    colors = np.zeros((256, 3), np.uint8)
    for label in labels:
        colors[label.index] = label.rgb
    return colors


def _checked(mask: Mask) -> Mask:
    if mask.dtype != np.uint8 or mask.ndim != 2:
        raise ValueError(f"a mask is uint8 (H, W), this is {mask.dtype} {mask.shape}")
    return np.ascontiguousarray(mask)


def _png(image: Image.Image, **options: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1, **options)
    return stream.getvalue()


def _channels_agree(values: npt.NDArray[np.uint8], mode: str) -> bool:
    if mode == "LA":
        return True
    return bool((values[:, :, 0] == values[:, :, 1]).all() and (values[:, :, 0] == values[:, :, 2]).all())
