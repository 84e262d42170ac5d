"""Pictures drawn for tests, so that the right answer is known before the code runs."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

GREY, RED, BLUE = (128, 128, 128), (220, 30, 30), (30, 60, 220)


def picture(*, red: float = 0.0, blue: float = 0.0, width: int = 40, height: int = 30, mark: int = 0) -> np.ndarray:
    """uint8 (height, width, 3): grey, with `red` and `blue` shares of the rows filled from the top.

    `mark` changes nothing a model sees but makes the picture's content different: one pixel's grey value.
    """
    rgb = np.full((height, width, 3), GREY, np.uint8)
    red_rows, blue_rows = round(red * height), round(blue * height)
    rgb[:red_rows] = RED
    rgb[red_rows : red_rows + blue_rows] = BLUE
    rgb[-1, -1] = (128 + mark % 20, 128 + mark // 20 % 20, 128 + mark // 400)
    return rgb


def png(rgb: np.ndarray) -> bytes:
    return encoded(rgb, "PNG")


def encoded(rgb: np.ndarray, format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, format, **options)
    return stream.getvalue()
