"""Frames out of a video, each with its time in the recording.

OpenCV's FFmpeg does the decoding; it is told to open files only, and only the containers of `video_files`: playlists
and lists of files that call themselves a video could name others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.file_kinds import looks_like
from segmentation.video_files import Container, read_container

_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_ONLY_FILES = "protocol_whitelist;file|format_whitelist;mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm"
_HEAD_BYTES = 1024

# A step this long is jumped, landing so much before its end: decoding goes on from there, to the frame itself.
_JUMP_SECONDS = 10.0
_LAND_BEFORE_SECONDS = 2.0
# Containers keep times in milliseconds; a frame's own may be rounded up past the moment that is asked for.
_ROUNDING_SECONDS = 0.001


class VideoError(ValueError):
    """A file that is no usable video, or that ends before it should. Continues a sentence about it: "clip.mp4 …"."""


@dataclass(frozen=True)
class VideoLimits:
    """What is accepted: length in seconds, pixels of a frame, pixels of its longer side, frames that are taken."""

    max_seconds: float = 86_400
    max_pixels: int = 100_000_000
    max_side_px: int = 16_384
    max_frames: int = 50_000


@dataclass(frozen=True)
class Frame:
    """`number` counts steps from 0, `seconds` is the frame's own time in the stream, `rgb` uint8 (H, W, 3), upright."""

    number: int
    seconds: float
    rgb: npt.NDArray[np.uint8]


DEFAULT_LIMITS = VideoLimits()


def inspect_video(path: str | os.PathLike[str], *, limits: VideoLimits = DEFAULT_LIMITS) -> Container:
    """What a video's container says, without decoding anything. VideoError says in words what is wrong with it."""
    path = Path(path)
    container = read_container(path)
    if container is None:
        raise VideoError(_not_a_video(path))
    if container.kind == "MP4" and container.is_cut and container.seconds is None:
        raise VideoError("is damaged: the file ends before its table of frames")
    if container.seconds is not None and container.seconds > limits.max_seconds:
        raise VideoError(
            f"lasts {clock(container.seconds)}; at most {clock(limits.max_seconds)} are accepted. Cut it into parts"
        )
    return container


def frames(
    path: str | os.PathLike[str], *, every_seconds: float, first: int = 0, limits: VideoLimits = DEFAULT_LIMITS
) -> Iterator[Frame]:
    """One frame every `every_seconds`: number k is the first at or after k × `every_seconds`, from number `first` on.

    A pause in the recording gives none. VideoError where it cannot be decoded, where it is over a limit, and, after the
    last frame, where the file or what its header promised is cut short: what came before is good.
    """
    container = inspect_video(path, limits=limits)
    with _opened(path) as capture:
        _check_size(capture, limits)
        reader = _Reader(capture)
        number, found = first, False
        while reader.advance(number * every_seconds):
            found = True
            if reader.seconds > limits.max_seconds:
                raise VideoError(f"goes on beyond {clock(limits.max_seconds)}; the rest was not looked at")
            if number >= limits.max_frames:
                raise VideoError(
                    f"gives more than {limits.max_frames:,} frames; the rest was not looked at. Take a longer interval"
                )
            number = max(number, int((reader.seconds + _ROUNDING_SECONDS) / every_seconds))
            yield Frame(number, reader.seconds, reader.picture())
            number += 1
        _check_end(container, reader, every_seconds, found or first > 0)


def clock(seconds: float) -> str:
    """A time in a recording: 00:01:23.0."""
    tenths = round(seconds * 10)
    return f"{tenths // 36000:02d}:{tenths // 600 % 60:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"


class _Reader:
    """Goes forward through an open video; `seconds` is the time of the frame it stands at, −1 before the first."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture
        self.seconds = -1.0

    def advance(self, seconds: float) -> bool:
        """Stand at the first frame at or after a time; False where the video ends before."""
        if seconds - max(self.seconds, 0) > _JUMP_SECONDS:
            self._jump(seconds - _LAND_BEFORE_SECONDS)
        while self.seconds < seconds - _ROUNDING_SECONDS:
            if not self._capture.grab():
                return False
            self.seconds = self._time()
        return True

    def picture(self) -> npt.NDArray[np.uint8]:
        done, bgr = self._capture.retrieve()
        if not done or bgr is None or bgr.dtype != np.uint8 or bgr.size == 0:
            raise VideoError(f"cannot be decoded at {clock(self.seconds)}")
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_GRAY2RGB if bgr.ndim == 2 else cv2.COLOR_BGR2RGB), np.uint8)

    def _jump(self, seconds: float) -> None:
        self._capture.set(cv2.CAP_PROP_POS_MSEC, seconds * 1000)

    def _time(self) -> float:
        milliseconds = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        # Streams whose times are missing or run backwards are counted on by their rate.
        at = milliseconds / 1000 if isfinite(milliseconds) else -1.0
        return at if at > self.seconds else self.seconds + self._frame_seconds()

    def _frame_seconds(self) -> float:
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        return 1 / rate if isfinite(rate) and 0.01 <= rate <= 1000 else 0.04


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[cv2.VideoCapture]:
    os.environ[_OPTIONS] = _ONLY_FILES
    capture = cv2.VideoCapture(os.fspath(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise VideoError("is damaged, or its pictures are packed in a way that cannot be read here")
        yield capture
    except cv2.error as error:
        raise VideoError(f"cannot be decoded: {error.err or error}") from error
    except MemoryError as error:
        raise VideoError("needs more memory than this machine has") from error
    finally:
        capture.release()


def _check_size(capture: cv2.VideoCapture, limits: VideoLimits) -> None:
    width, height = (round(capture.get(which)) for which in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if width < 1 or height < 1:
        raise VideoError(f"is damaged: its header says {width} × {height} pixels")
    if max(width, height) > limits.max_side_px or width * height > limits.max_pixels:
        raise VideoError(
            f"is {width:,} × {height:,} pixels; at most {limits.max_side_px:,} pixels a side and "
            f"{limits.max_pixels / 1e6:,g} million in all are accepted"
        )


def _check_end(container: Container, reader: _Reader, every_seconds: float, found: bool) -> None:
    """Whether the recording really ended where it did."""
    if not found:
        raise VideoError("holds no picture")
    promised = container.seconds or 0.0
    if container.is_cut or reader.seconds < 0.9 * promised - max(2.0, every_seconds):
        raise VideoError(
            f"ends too early, at {clock(reader.seconds)}"
            + (f" of {clock(promised)}" if promised else "")
            + "; the frames until then are kept"
        )


def _not_a_video(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        return "is empty"
    kind = looks_like(head).name
    return f"is not a video that can be read here{f' (looks like {kind})' if kind and 'video' not in kind else ''}"
