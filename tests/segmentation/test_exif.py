"""Capture time and position: read where they make sense, dropped where they don't."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from segmentation.pictures import PictureFacts, inspect_picture
from tests.segmentation.drawings import corners, encoded, written

ORIGINAL, DIGITIZED = ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized
OFFSET = ExifTags.Base.OffsetTimeOriginal
NORTH = {1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)}


def facts(
    folder: Path,
    *,
    photo: dict[int, Any] | None = None,
    gps: dict[int, Any] | None = None,
    format: str = "JPEG",
) -> PictureFacts:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "drawn"
    exif.get_ifd(ExifTags.IFD.Exif).update(photo or {})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps or {})
    return inspect_picture(written(folder, encoded(corners(), format, exif=exif.tobytes())))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_time_and_place_are_read_from_every_format_that_has_them(format: str, tmp_path: Path) -> None:
    found = facts(tmp_path, photo={ORIGINAL: "2025:03:04 05:06:07"}, gps=NORTH, format=format)
    assert found.captured_at == datetime(2025, 3, 4, 5, 6, 7)
    assert found.latitude == pytest.approx(48.858222, abs=1e-5)
    assert found.longitude == pytest.approx(2.294500, abs=1e-5)


def test_the_cameras_offset_counts(tmp_path: Path) -> None:
    found = facts(tmp_path, photo={ORIGINAL: "2025:03:04 05:06:07", OFFSET: "-05:30"}).captured_at
    assert found == datetime(2025, 3, 4, 10, 36, 7, tzinfo=UTC)
    assert found is not None
    assert found.utcoffset() == -timedelta(hours=5, minutes=30)


@pytest.mark.parametrize("offset", ["", "+99:00", "noon", b"\xff\xfe", 7])
def test_a_nonsense_offset_leaves_the_bare_clock(offset: Any, tmp_path: Path) -> None:
    tag = {OFFSET: offset} if isinstance(offset, str) else {}
    found = facts(tmp_path, photo={ORIGINAL: "2025:03:04 05:06:07", **tag})
    assert found.captured_at == datetime(2025, 3, 4, 5, 6, 7)


def test_the_scanners_time_stands_in_for_a_missing_original(tmp_path: Path) -> None:
    found = facts(tmp_path, photo={ORIGINAL: "    :  :     :  :  ", DIGITIZED: "2024:01:02 03:04:05"})
    assert found.captured_at == datetime(2024, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    "clock",
    [
        "0000:00:00 00:00:00",
        "2025:13:01 00:00:00",
        "2025:02:30 00:00:00",
        "1970:01:01 00:00:00",
        "9999:12:31 23:59:59",
        "yesterday",
        "",
        "\0" * 20,
    ],
)
def test_nonsense_times_are_dropped(clock: str, tmp_path: Path) -> None:
    assert facts(tmp_path, photo={ORIGINAL: clock}).captured_at is None


def test_south_and_west_are_negative(tmp_path: Path) -> None:
    found = facts(tmp_path, gps={1: "S", 2: (33.0, 30.0, 0.0), 3: "W", 4: (70.0, 45.0, 0.0)})
    assert (found.latitude, found.longitude) == pytest.approx((-33.5, -70.75))


@pytest.mark.parametrize(
    "change",
    [
        {2: (91.0, 0.0, 0.0)},
        {4: (180.0, 1.0, 0.0)},
        {1: "X"},
        {3: ""},
        {2: (IFDRational(1, 0), 0.0, 0.0)},
        {2: ()},
        {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)},
    ],
)
def test_nonsense_positions_are_dropped(change: dict[int, Any], tmp_path: Path) -> None:
    found = facts(tmp_path, gps={**NORTH, **change})
    assert (found.latitude, found.longitude) == (None, None)


def test_half_a_position_is_none(tmp_path: Path) -> None:
    found = facts(tmp_path, gps={1: "N", 2: (48.0, 0.0, 0.0)})
    assert (found.latitude, found.longitude) == (None, None)


def test_no_exif_no_facts(tmp_path: Path) -> None:
    found = inspect_picture(written(tmp_path, encoded(corners(), "JPEG")))
    assert (found.captured_at, found.latitude, found.longitude) == (None, None, None)
