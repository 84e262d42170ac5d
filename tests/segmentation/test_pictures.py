"""Formats, pixel layouts and sizes; damaged and hostile files are in test_damaged_pictures.py."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.pictures import PictureError, PictureLimits, inspect_picture, read_rgb, thumbnail
from segmentation.pixel_modes import to_rgb
from tests.segmentation.drawings import LOSSLESS, LOSSY, corners, encoded, heic, noise, written

FORMATS = {**LOSSLESS, **LOSSY, "GIF": {}}
NAMES = {"WEBP": "WebP"}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_keeps_its_pixels_and_size(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, encoded(corners(), name, **FORMATS[name]))
    facts = inspect_picture(path)
    assert (facts.format, facts.width, facts.height) == (NAMES.get(name, name), 48, 32)
    rgb = read_rgb(path)
    assert rgb.dtype == np.uint8
    assert rgb.shape == (32, 48, 3)
    worst = np.abs(rgb.astype(int) - corners()).max()
    assert worst <= (8 if name in LOSSY else 0)


@pytest.mark.parametrize(("rotated", "size"), [(False, (64, 48)), (True, (48, 64))])
def test_heic_is_read_upright(rotated: bool, size: tuple[int, int], tmp_path: Path) -> None:
    path = written(tmp_path, heic(rotated=rotated))
    facts = inspect_picture(path)
    assert (facts.format, facts.width, facts.height) == ("HEIC", *size)
    rgb = read_rgb(path)
    assert rgb.shape == (size[1], size[0], 3)
    np.testing.assert_allclose(rgb[4, 4], (200, 0, 0), atol=4)
    np.testing.assert_allclose(rgb[-4, -4], (0, 0, 200), atol=4)


TURNED = {
    "JPEG": ("JPEG", LOSSY["JPEG"]),
    "PNG": ("PNG", {}),
    "WebP": ("WEBP", LOSSLESS["WEBP"]),
    "TIFF": ("TIFF", {}),
    "compressed TIFF": ("TIFF", {"compression": "tiff_lzw"}),
}


@pytest.mark.parametrize("name", TURNED)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(name: str, orientation: int, tmp_path: Path) -> None:
    """The stored picture is the upright one turned the other way, as a camera stores it."""
    upright = corners()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    format, options = TURNED[name]
    path = written(tmp_path, encoded(np.ascontiguousarray(stored), format, exif=exif, **options))
    facts = inspect_picture(path)
    assert (facts.width, facts.height) == (48, 32)
    rgb = read_rgb(path)
    assert rgb.shape == upright.shape
    assert np.abs(rgb.astype(int) - upright).max() <= (8 if name in LOSSY else 0)


def test_png_orientation_after_the_pixels_counts(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    plain = encoded(np.ascontiguousarray(np.rot90(corners())), "PNG")
    tagged = encoded(np.ascontiguousarray(np.rot90(corners())), "PNG", exif=exif)
    place = tagged.index(b"eXIf") - 4
    chunk = tagged[place : place + 12 + int.from_bytes(tagged[place : place + 4], "big")]
    path = written(tmp_path, plain[:-12] + chunk + plain[-12:])
    assert (inspect_picture(path).width, inspect_picture(path).height) == (48, 32)
    np.testing.assert_array_equal(read_rgb(path), corners())


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("white", "expected"), [(255, 255), (1023, 255), (4095, 255), (65535, 255), (30000, 117), (700, 174)]
)
def test_deep_greys_are_scaled_by_their_depth(name: str, white: int, expected: int, tmp_path: Path) -> None:
    values = np.zeros((10, 12), np.uint16)
    values[:, 6:] = white
    rgb = read_rgb(written(tmp_path, encoded(values, name)))
    assert rgb[0, 0].tolist() == [0, 0, 0]
    assert rgb[0, -1].tolist() == [expected] * 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0.0, 51.0, 255.0]], np.float32), [0, 51, 255]),
        (np.array([[-3.0, np.nan, 1.0]], np.float32), [0, 0, 255]),
        (np.array([[0, 2048, 4095]], np.int32), [0, 128, 255]),
    ],
)
def test_tiff_of_floats_and_long_integers(values: np.ndarray, expected: list[int], tmp_path: Path) -> None:
    rgb = read_rgb(written(tmp_path, encoded(values, "TIFF")))
    assert rgb[0, :, 0].tolist() == expected


def test_transparency_shows_white(tmp_path: Path) -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[:, :, 0] = 200
    rgba[:, 2:, 3] = 255
    rgba[0, 0, 3] = 51
    for name, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        rgb = read_rgb(written(tmp_path, encoded(rgba, name, **options), name))
        assert rgb[3, 3].tolist() == [200, 0, 0], name
        assert rgb[3, 0].tolist() == [255, 255, 255], name
        assert rgb[0, 0].tolist() == [244, 204, 204], name


@pytest.mark.parametrize("mode", ["L", "1", "LA", "P", "CMYK", "YCbCr"])
def test_each_colour_mode_becomes_rgb(mode: str, tmp_path: Path) -> None:
    red = Image.new("RGB", (8, 6), (255, 0, 0)).convert(mode)
    expected = np.array(red.convert("RGB"))
    name = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"
    rgb = read_rgb(written(tmp_path, encoded(red, name)))
    np.testing.assert_array_equal(rgb, expected)


@pytest.mark.parametrize("options", [{"quality": 40}, {"quality": 90}, {"lossless": True}, {"exact": True}])
@pytest.mark.parametrize("is_clear", [False, True])
def test_a_webp_has_pillows_pixels(options: dict[str, int], is_clear: bool, tmp_path: Path) -> None:
    pixels = np.dstack([noise(), noise(seed=1)[:, :, 0]]) if is_clear else noise()
    path = written(tmp_path, encoded(pixels, "WEBP", **options))
    with Image.open(path) as image:
        np.testing.assert_array_equal(read_rgb(path), to_rgb(image))


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("TIFF", {"compression": "tiff_lzw"})),
        ("TIFF", {"compression": "tiff_adobe_deflate", "strip_size": 600}),
    ],
)
def test_a_large_picture_read_by_rows_has_the_same_pixels(
    name: str, options: dict[str, int], orientation: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    path = written(tmp_path, encoded(noise(), name, exif=exif, **options))
    at_once = read_rgb(path)
    monkeypatch.setattr("segmentation.decoding._BY_ROWS_PIXELS", 0)
    monkeypatch.setattr("segmentation.decoding._BAND_PIXELS", 2000)
    np.testing.assert_array_equal(read_rgb(path), at_once)


def test_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.new("P", (4, 2))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((3, 1), 1)
    rgb = read_rgb(written(tmp_path, encoded(image, "PNG", transparency=0)))
    assert rgb[0, 0].tolist() == [255, 255, 255]
    assert rgb[1, 3].tolist() == [200, 100, 50]


def test_cmyk_jpeg_of_a_print_shop(tmp_path: Path) -> None:
    image = Image.new("RGB", (16, 16), (255, 255, 255)).convert("CMYK")
    path = written(tmp_path, encoded(image, "JPEG", quality=95))
    assert inspect_picture(path).format == "JPEG"
    assert read_rgb(path).min() >= 250


def test_animations_give_their_first_frame(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((6, 8, 3), value, np.uint8)) for value in (0, 255)]
    for name in ("GIF", "WEBP", "TIFF", "PNG"):
        path = written(tmp_path, encoded(frames[0], name, save_all=True, append_images=frames[1:]), name)
        inspect_picture(path)
        assert read_rgb(path).max() == 0, name


def test_a_phones_double_jpeg_is_a_jpeg(tmp_path: Path) -> None:
    images = [Image.fromarray(corners()), Image.fromarray(noise())]
    path = written(tmp_path, encoded(images[0], "MPO", save_all=True, append_images=images[1:], **LOSSY["JPEG"]))
    facts = inspect_picture(path)
    assert (facts.format, facts.width, facts.height) == ("JPEG", 48, 32)
    assert np.abs(read_rgb(path).astype(int) - corners()).max() <= 12


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((501, 1), "is 501 × 1 pixels; the longest side may be 500 pixels"),
        ((400, 300), "is 400 × 300 pixels; at most 0.1 million pixels are accepted"),
    ],
)
def test_large_pictures_are_refused_before_decoding(size: tuple[int, int], reason: str, tmp_path: Path) -> None:
    path = written(tmp_path, encoded(Image.new("L", size), "PNG"))
    limits = PictureLimits(max_pixels=100_000, max_side_px=500)
    for look in (inspect_picture, read_rgb):
        with pytest.raises(PictureError) as caught:
            look(path, limits=limits)
        assert str(caught.value) == reason


def test_large_files_are_refused_unread(tmp_path: Path) -> None:
    path = written(tmp_path, bytes(3_000_000))
    with pytest.raises(PictureError, match=r"has 3\.0 MB; at most 2 MB are accepted"):
        inspect_picture(path, limits=PictureLimits(max_bytes=2_000_000))


def test_pictures_beyond_pillows_own_limit_are_no_bomb(tmp_path: Path) -> None:
    """Pillow warns from 89 million pixels on; a line-scan camera's strip of a web is larger."""
    path = written(tmp_path, encoded(Image.new("1", (20_000, 4_800)), "PNG"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert inspect_picture(path).width == 20_000


def test_thumbnail_keeps_proportions_and_never_enlarges() -> None:
    small = Image.open(io.BytesIO(thumbnail(noise(400, 100), 120)))
    assert (small.format, small.size) == ("WEBP", (120, 30))
    assert Image.open(io.BytesIO(thumbnail(corners(), 120))).size == (48, 32)
    assert Image.open(io.BytesIO(thumbnail(noise(1000, 1), 100))).size == (100, 1)


def test_thumbnail_keeps_colours() -> None:
    red = np.full((50, 50, 3), (220, 30, 30), np.uint8)
    seen = np.asarray(Image.open(io.BytesIO(thumbnail(red, 20))).convert("RGB")).astype(int)
    assert np.abs(seen - (220, 30, 30)).max() <= 8
