"""Frames at an interval, each with the stream's own time; what is no whole video says why."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil
from pathlib import Path

import numpy as np
import pytest

from segmentation import video
from segmentation.video import VideoError, VideoLimits, clock, frames, inspect_video
from segmentation.video_files import read_container, video_kind
from tests.videos import square, with_movie_time, write_video


def bar(number: int) -> np.ndarray:
    """A bar that grows by two pixels a frame, so that a frame tells its number."""
    rgb = np.zeros((48, 128, 3), np.uint8)
    rgb[:, : 2 * number + 1] = 255
    return rgb


def number_of(rgb: np.ndarray) -> int:
    return int(np.count_nonzero(rgb[24, :, 0] > 127) - 1) // 2


@pytest.mark.parametrize(
    ("ending", "codec", "fps"),
    [
        ("mp4", "mp4v", 29.97),
        ("mov", "mp4v", 23.976),
        ("avi", "MJPG", 12.5),
        ("mkv", "MJPG", 24.0),
        ("webm", "VP80", 30.0),
    ],
)
def test_frames_are_the_first_at_or_after_each_step(tmp_path: Path, ending: str, codec: str, fps: float) -> None:
    path = write_video(tmp_path / f"a.{ending}", bar, count=50, fps=fps, codec=codec)
    found = list(frames(path, every_seconds=0.5))
    expected = [ceil(step * 0.5 * fps) for step in range(20) if ceil(step * 0.5 * fps) < 50]
    assert [frame.number for frame in found] == list(range(len(expected)))
    assert [number_of(frame.rgb) for frame in found] == expected
    assert [frame.seconds for frame in found] == pytest.approx([number / fps for number in expected], abs=0.001)


def test_it_goes_on_from_any_step_with_the_same_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", lambda number: bar(number % 60), count=600, fps=25, codec="mp4v")
    whole = list(frames(path, every_seconds=3))
    assert len(whole) == 8
    rest = list(frames(path, every_seconds=3, first=5))
    assert [(one.number, one.seconds) for one in rest] == [(one.number, one.seconds) for one in whole[5:]]
    assert all(np.array_equal(one.rgb, other.rgb) for one, other in zip(rest, whole[5:], strict=True))
    apart = list(frames(path, every_seconds=11))
    assert [number_of(one.rgb) for one in apart] == [0, 275 % 60, 550 % 60]


def test_a_recording_turned_on_its_side_comes_out_upright(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", lambda _: square(0, 0), count=3, codec="mp4v")
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4 + 40
    content[place : place + 36] = b"".join(
        value.to_bytes(4, "big", signed=True) for value in (0, 65536, 0, -65536, 0, 0, 120 << 16, 0, 1 << 30)
    )
    path.write_bytes(content)
    (frame,) = frames(path, every_seconds=1)
    assert frame.rgb.shape == (160, 120, 3)
    assert frame.rgb[5, 115].tolist() == pytest.approx([220, 30, 30], abs=12), "a quarter turn to the right"


def test_the_camera_says_when_it_began(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", bar, count=3, codec="mp4v")
    container = read_container(path)
    assert container is not None
    assert (container.started_at, container.is_cut) == (None, False)
    since_1904 = int((datetime(2026, 5, 12, 12, tzinfo=UTC) - datetime(1904, 1, 1, tzinfo=UTC)).total_seconds())
    path.write_bytes(with_movie_time(path.read_bytes(), since_1904))
    container = read_container(path)
    assert container is not None
    assert container.started_at == datetime(2026, 5, 12, 12, tzinfo=UTC)


def test_matroska_says_when_it_began(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", bar, count=3)
    content = path.read_bytes()
    place = content.index(b"\x44\x89\x88")  # Duration, 8 bytes: overwritten by DateUTC, 8 bytes.
    since_2001 = datetime(2026, 5, 12, 12, tzinfo=UTC) - datetime(2001, 1, 1, tzinfo=UTC)
    told = (int(since_2001.total_seconds()) * 10**9).to_bytes(8, "big")
    path.write_bytes(content[:place] + b"\x44\x61\x88" + told + content[place + 11 :])
    container = read_container(path)
    assert container is not None
    assert container.started_at == datetime(2026, 5, 12, 12, tzinfo=UTC)


@pytest.mark.parametrize(("ending", "codec"), [("avi", "MJPG"), ("mkv", "MJPG")])
def test_what_came_before_a_cut_is_kept(tmp_path: Path, ending: str, codec: str) -> None:
    path = write_video(tmp_path / f"a.{ending}", bar, count=50, codec=codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    found = []
    with pytest.raises(VideoError, match=r"ends too early, at 00:00:0[23]\.\d.*are kept"):  # noqa: PT012
        for frame in frames(path, every_seconds=0.5):
            found.append(number_of(frame.rgb))
    assert found[:3] == [0, 5, 10]


def test_a_table_that_is_missing_is_told_before_anything_is_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", bar, count=50, codec="mp4v")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(VideoError, match="before its table of frames"):
        inspect_video(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"Dear Sir or Madam,", "not a video that can be read here .looks like text"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "looks like text"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "looks like text"),
        (b"\x1aE\xdf\xa3" + b"\xff" * 40, "is damaged"),
        (b"RIFF\x10\x00\x00\x00AVI LIST", "is damaged"),
        (b"\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isom", "before its table of frames"),
    ],
)
def test_what_is_no_video_says_what_it_is(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=reason):
        list(frames(path, every_seconds=1))


def test_a_list_of_files_opens_none_of_them(tmp_path: Path) -> None:
    write_video(tmp_path / "real.avi", bar, count=3)
    path = tmp_path / "a.mp4"
    path.write_text("ffconcat version 1.0\nfile real.avi\n")
    with pytest.raises(VideoError, match="cannot be read here"), video._opened(path):
        pass


def test_a_video_without_pictures_says_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", bar, count=0)
    with pytest.raises(VideoError, match=r"holds no picture|is damaged"):
        list(frames(path, every_seconds=1))


def test_limits_are_told_in_words(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", bar, count=50)
    with pytest.raises(VideoError, match=r"lasts 00:00:05.0; at most 00:00:02.0"):
        list(frames(path, every_seconds=1, limits=VideoLimits(max_seconds=2)))
    with pytest.raises(VideoError, match=r"128 × 48 pixels; at most 60 pixels a side"):
        list(frames(path, every_seconds=1, limits=VideoLimits(max_side_px=60)))
    found = []
    with pytest.raises(VideoError, match=r"gives more than 3 frames"):  # noqa: PT012
        for frame in frames(path, every_seconds=1, limits=VideoLimits(max_frames=3)):
            found.append(frame.number)
    assert found == [0, 1, 2]


def test_eight_thousand_pixels_are_wide_but_fine(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", lambda _: np.full((32, 8192, 3), 90, np.uint8), count=1)
    (frame,) = frames(path, every_seconds=1)
    assert frame.rgb.shape == (32, 8192, 3)


def test_still_pictures_in_the_same_boxes_are_no_videos() -> None:
    assert video_kind(b"\x00\x00\x00\x18ftypheic") == ""
    assert video_kind(b"\x00\x00\x00\x18ftypavif") == ""
    assert video_kind(b"\x00\x00\x00\x18ftypqt  ") == "MP4"


@pytest.mark.parametrize(("seconds", "told"), [(0, "00:00:00.0"), (83.04, "00:01:23.0"), (3599.96, "01:00:00.0")])
def test_clock(seconds: float, told: str) -> None:
    assert clock(seconds) == told
