"""Pictures that must be decoded whole are refused where that would take more than the limit; all others are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation import whole
from segmentation.pictures import PictureError, header_size, inspect_picture, read_rgb
from segmentation.rasters import opened_raster
from tests.hostile.drawn import wholes
from tests.hostile.samples import bmp_saying, gif_saying, jpeg_saying, png_saying, samples
from tests.segmentation.drawings import corners, encoded, written

BY_ROWS = {
    *("JPEG", "grey JPEG", "PNG", "16-bit PNG", "palette PNG", "1-bit PNG", "PNG with alpha", "grey PNG with alpha"),
    *("animated PNG", "TIFF", "LZW TIFF", "deflate TIFF", "JPEG in TIFF", "16-bit TIFF", "float TIFF"),
}


def turned(image: np.ndarray, format: str) -> bytes:
    exif = Image.Exif()
    exif[274] = 6
    return encoded(image, format, exif=exif)


def in_three_scans(jpeg: bytes) -> bytes:
    """A baseline JPEG whose first scan has one component: the header of the scan alone is changed."""
    place = jpeg.index(b"\xff\xda")
    length = int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return jpeg[:place] + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + jpeg[place + 2 + length :]


@pytest.mark.parametrize("name", wholes())
def test_what_is_read_by_rows_has_no_limit_of_its_own(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "WHOLE_BYTES", 0)
    path = written(tmp_path, wholes()[name])
    if name in BY_ROWS:
        inspect_picture(path)
        with opened_raster(path) as raster:
            assert raster.rows(0, raster.height).shape == (raster.height, raster.width, 3)
        return
    for door in (inspect_picture, read_rgb):
        with pytest.raises(PictureError, match="can only be decoded whole"):
            door(path)


@pytest.mark.parametrize(
    ("content", "kind", "most"),
    [
        (jpeg_saying("progressive JPEG", 24_000, 16_000), "a progressive JPEG", 208),
        (in_three_scans(jpeg_saying("JPEG", 24_000, 16_000)), "a progressive JPEG", 208),
        (jpeg_saying("CMYK JPEG", 24_000, 16_000), "a CMYK JPEG", 179),
        (png_saying(24_000, 16_000, color=2, is_interlaced=True), "an interlaced PNG", 179),
        (png_saying(24_000, 16_000, color=6, depth=16, is_interlaced=True), "an interlaced PNG", 114),
        (bmp_saying(24_000, 16_000), "a BMP", 179),
        (gif_saying(24_000, 16_000), "a GIF", 179),
    ],
)
def test_a_refusal_says_what_how_much_and_what_to_do(content: bytes, kind: str, most: int, tmp_path: Path) -> None:
    with pytest.raises(PictureError) as caught:
        inspect_picture(written(tmp_path, content))
    assert str(caught.value) == (
        f"is 24,000 × 16,000 pixels and {kind}, which can only be decoded whole; of these at most {most} million "
        "pixels are accepted: save it upright as a JPEG that is not progressive, a PNG that is not interlaced, or a "
        "TIFF in strips or tiles, which are read row by row"
    )


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_a_picture_lying_on_its_side_is_held_twice(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, turned(corners(), format))
    monkeypatch.setattr(whole, "WHOLE_BYTES", 48 * 32 * 6)
    assert inspect_picture(path).height == 48
    monkeypatch.setattr(whole, "WHOLE_BYTES", 48 * 32 * 6 - 1)
    with pytest.raises(PictureError, match=f"a {format} lying on its side, which can only be decoded whole"):
        inspect_picture(path)


@pytest.mark.parametrize("content", [jpeg_saying("JPEG", 24_000, 16_000), png_saying(24_000, 16_000, color=6)])
def test_large_pictures_of_the_usual_kinds_are_accepted(content: bytes, tmp_path: Path) -> None:
    assert inspect_picture(written(tmp_path, content)).width == 24_000


def test_no_header_that_swells_is_read_to_know_a_size(tmp_path: Path) -> None:
    for place, sample in enumerate(samples().values()):
        path = written(tmp_path, sample.content, str(place))
        if "a list of" in sample.reason or "1 MB" in sample.reason:
            assert header_size(path) == (0, 0)
    assert header_size(written(tmp_path, b"")) == (0, 0)
    assert header_size(written(tmp_path, png_saying(30, 20))) == (20, 30)


def test_a_phones_picture_of_200_megapixels_may_lie_on_its_side(tmp_path: Path) -> None:
    content = turned(corners(), "JPEG")
    place = content.index(b"\xff\xc0") + 5
    size = (12_240).to_bytes(2, "big") + (16_320).to_bytes(2, "big")
    facts = inspect_picture(written(tmp_path, content[:place] + size + content[place + 4 :]))
    assert (facts.width, facts.height) == (12_240, 16_320)
