"""Videos drawn for tests: what is in them, where and when is known before the code runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from tests.images import GREY, RED

Draw = Callable[[int], np.ndarray]


def square(x: int, y: int, *, side: int = 32, width: int = 160, height: int = 120) -> np.ndarray:
    """uint8 (height, width, 3): grey, with a red square whose upper left corner is at (x, y)."""
    rgb = np.full((height, width, 3), GREY, np.uint8)
    rgb[y : y + side, x : x + side] = RED
    return rgb


def write_video(path: Path, draw: Draw, *, count: int, fps: float = 10.0, codec: str = "MJPG") -> Path:
    """`count` frames of `draw(number)`, uint8 (H, W, 3)."""
    height, width = draw(0).shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), fps, (width, height))
    assert writer.isOpened(), f"{codec} cannot be written into {path.suffix}"
    for number in range(count):
        writer.write(cv2.cvtColor(draw(number), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def with_movie_time(content: bytes, seconds_since_1904: int) -> bytes:
    """An MP4 whose header says when its recording began."""
    place = content.index(b"mvhd") + 8
    return content[:place] + seconds_since_1904.to_bytes(4, "big") + content[place + 4 :]
