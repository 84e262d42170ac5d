"""Small whole pictures in every format and layout that a camera, a phone or a program may send."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageSequence

from tests.segmentation.drawings import corners, encoded, heic, noise

WIDTH, HEIGHT = 48, 32


def _frames() -> list[Image.Image]:
    return [Image.fromarray(noise(WIDTH, HEIGHT, seed)) for seed in range(3)]


def animated(format: str, **options: Any) -> bytes:
    """Three frames, the first of them seed 0's noise."""
    first, *rest = _frames()
    return encoded(first, format, save_all=True, append_images=rest, duration=50, loop=0, **options)


def frame_count(content: bytes) -> int:
    return len(list(ImageSequence.Iterator(Image.open(io.BytesIO(content)))))


@cache
def wholes() -> dict[str, bytes]:
    """A whole file of WIDTH × HEIGHT pixels for each format and each of its ways to store pixels."""
    rgb = corners(WIDTH, HEIGHT)
    grain = noise(WIDTH, HEIGHT)
    picture = Image.fromarray(rgb)
    deep = Image.fromarray(rgb[..., 0].astype(np.uint16) * 256)
    clear = Image.fromarray(np.dstack([rgb, np.full((HEIGHT, WIDTH), 128, np.uint8)]))
    return {
        "JPEG": encoded(grain, "JPEG", quality=80),
        "progressive JPEG": encoded(grain, "JPEG", quality=80, progressive=True),
        "CMYK JPEG": encoded(picture.convert("CMYK"), "JPEG"),
        "grey JPEG": encoded(picture.convert("L"), "JPEG"),
        "PNG": encoded(rgb, "PNG"),
        "16-bit PNG": encoded(deep, "PNG"),
        "palette PNG": encoded(picture.quantize(5), "PNG", transparency=1),
        "1-bit PNG": encoded(picture.convert("1"), "PNG"),
        "PNG with alpha": encoded(clear, "PNG"),
        "grey PNG with alpha": encoded(clear.convert("LA"), "PNG"),
        "animated PNG": animated("PNG"),
        "TIFF": encoded(rgb, "TIFF"),
        "LZW TIFF": encoded(rgb, "TIFF", compression="tiff_lzw"),
        "deflate TIFF": encoded(rgb, "TIFF", compression="tiff_adobe_deflate"),
        "JPEG in TIFF": encoded(rgb, "TIFF", compression="jpeg"),
        "CMYK TIFF": encoded(picture.convert("CMYK"), "TIFF"),
        "16-bit TIFF": encoded(deep, "TIFF"),
        "float TIFF": encoded(Image.fromarray(rgb[..., 0].astype(np.float32) / 255), "TIFF"),
        "fax TIFF": encoded(picture.convert("1"), "TIFF", compression="group4"),
        "WebP": encoded(grain, "WEBP", quality=70),
        "lossless WebP": encoded(rgb, "WEBP", lossless=True),
        "animated WebP": animated("WEBP"),
        "BMP": encoded(rgb, "BMP"),
        "palette BMP": encoded(picture.quantize(5), "BMP"),
        "GIF": encoded(rgb, "GIF"),
        "animated GIF": animated("GIF"),
        "HEIC": heic(),
    }
