"""Pictures read in bands: every layout gives the pixels that decoding the whole gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

from segmentation.pictures import PictureError, read_rgb
from segmentation.pixel_modes import to_8_bit
from segmentation.rasters import Raster, _WholeRows, averaged_down, opened_raster, read_at_most
from segmentation.tiff_rows import TiffRows
from tests.segmentation.drawings import encoded, noise, written

WIDTH, HEIGHT = 200, 150


def smooth() -> np.ndarray:
    return cv2.resize(noise(20, 15), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def in_bands(raster: Raster, step: int = 37, more: int = 11) -> np.ndarray:
    """As tiles read it: each band overlaps the next, and what lies above is forgotten."""
    parts = []
    for top in range(0, raster.height, step):
        parts.append(raster.rows(top, min(raster.height, top + step + more))[:step].copy())
        raster.forget(top)
    return np.concatenate(parts)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
@pytest.mark.parametrize("is_grey", [False, True])
def test_tiffs_of_every_compression(compression: str | None, is_grey: bool, tmp_path: Path) -> None:
    pixels = smooth()[:, :, 0] if is_grey else smooth()
    options = {"compression": compression} if compression else {}
    path = written(tmp_path, encoded(Image.fromarray(pixels), "TIFF", strip_size=WIDTH * 3 * 16, **options))
    rows = TiffRows.opened(path)
    assert rows is not None
    with rows:
        np.testing.assert_array_equal(in_bands(rows), read_rgb(path))


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"byteorder": ">"},
        {"rowsperstrip": 7},
        {"tile": (64, 48)},
        {"tile": (64, 48), "compression": "zlib", "predictor": True},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "tile": (32, 32)},
        {"planarconfig": "separate", "compression": "zlib", "predictor": True, "byteorder": ">"},
    ],
)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_layouts_of_colour_tiffs(layout: dict[str, Any], kind: type, tmp_path: Path) -> None:
    pixels = smooth().astype(kind) * (16 if kind is np.uint16 else 1)
    stored = np.moveaxis(pixels, 2, 0) if layout.get("planarconfig") else pixels
    tifffile.imwrite(tmp_path / "file.tif", stored, photometric="rgb", **layout)
    expected = smooth() if kind is np.uint8 else to_8_bit(pixels, 4095)
    with opened_raster(tmp_path / "file.tif") as raster:
        np.testing.assert_array_equal(in_bands(raster), expected)


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_differences_of_floats(byteorder: str, tmp_path: Path) -> None:
    """Each is that of the numbers that their bits are as well."""
    shares = smooth().astype(np.float32) / 255
    path = tmp_path / "file.tif"
    tifffile.imwrite(
        path, shares.view(np.int32), photometric="rgb", compression="zlib", predictor=2, byteorder=byteorder
    )
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["SampleFormat"].overwrite((3, 3, 3))
    rows = TiffRows.opened(path)
    assert rows is not None
    with rows:
        np.testing.assert_array_equal(in_bands(rows), smooth())


def test_further_bands_are_left_out_and_opacity_is_laid_on_white(tmp_path: Path) -> None:
    near_infrared = np.full((HEIGHT, WIDTH, 2), 9, np.uint8)
    path = tmp_path / "bands.tif"
    tifffile.imwrite(
        path, np.concatenate([smooth(), near_infrared], axis=2), photometric="rgb", extrasamples=["unspecified"] * 2
    )
    rows = TiffRows.opened(path)
    assert rows is not None
    with rows:
        np.testing.assert_array_equal(rows.rows(0, HEIGHT), smooth())
    opacity = np.zeros((HEIGHT, WIDTH, 1), np.uint8)
    opacity[:50] = 255
    tifffile.imwrite(path, np.concatenate([smooth(), opacity], axis=2), photometric="rgb", extrasamples=["unassalpha"])
    with opened_raster(path) as raster:
        np.testing.assert_array_equal(raster.rows(0, 50), smooth()[:50])
        assert (raster.rows(50, HEIGHT) == 255).all()


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("colour.png", Image.fromarray(smooth())),
        ("grey.png", Image.fromarray(smooth()[:, :, 0])),
        ("deep.png", Image.fromarray(smooth()[:, :, 0].astype(np.uint16) * 16)),
        ("palette.png", Image.fromarray(smooth()).quantize(16)),
        ("black.png", Image.fromarray(smooth()).convert("1")),
        ("clear.png", Image.fromarray(np.dstack([smooth(), smooth()[:, ::-1, 0]]))),
        ("clear grey.png", Image.fromarray(np.dstack([smooth()[:, :, 0], smooth()[:, ::-1, 0]]))),
        ("colour.jpg", Image.fromarray(smooth())),
        ("grey.jpg", Image.fromarray(smooth()[:, :, 0])),
        ("colour.webp", Image.fromarray(smooth())),
    ],
)
def test_other_formats(name: str, image: Image.Image, tmp_path: Path) -> None:
    path = written(tmp_path, encoded(image, {"jpg": "JPEG"}.get(name[-3:], name.split(".")[1].upper())), name)
    with opened_raster(path) as raster:
        np.testing.assert_array_equal(in_bands(raster), read_rgb(path))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize("is_interlaced", [False, True])
def test_pngs_with_and_without_opacity(kind: type, samples: int, is_interlaced: bool, tmp_path: Path) -> None:
    """16 bits are scaled by the brightest colour, not by the opacity, which is a share of all its bits."""
    deep = 257 if kind is np.uint16 else 1
    colours = smooth()[:, :, : 1 if samples < 3 else 3].astype(kind) * (16 if kind is np.uint16 else 1)
    opacity = smooth()[:, ::-1, :1].astype(kind) * deep
    stored = colours if samples in (1, 3) else np.concatenate([colours, opacity], axis=2)
    greys, rgbs = ("b-w", "srgb") if kind is np.uint8 else ("grey16", "rgb16")
    interpretation = greys if samples < 3 else rgbs
    pyvips.Image.new_from_array(stored, interpretation=interpretation).pngsave(
        str(tmp_path / "file.png"), interlace=is_interlaced, bitdepth=8 * np.dtype(kind).itemsize
    )
    shown = to_8_bit(colours, 4095 if kind is np.uint16 else 255)
    expected = shown = np.broadcast_to(shown, (HEIGHT, WIDTH, 3))
    if samples in (2, 4):
        share = opacity / (255 * deep)
        expected = np.rint(shown * share + 255 * (1 - share))
    np.testing.assert_array_equal(read_rgb(tmp_path / "file.png"), expected)
    with opened_raster(tmp_path / "file.png") as raster:
        assert not isinstance(raster, _WholeRows)
        np.testing.assert_array_equal(in_bands(raster), expected)


@pytest.mark.parametrize(
    ("name", "layout"),
    [("JPEG", {"subsampling": 0}), ("JPEG", {"progressive": True}), ("PNG", {}), ("TIFF", {"compression": "tiff_lzw"})],
)
def test_rows_may_be_left_out(name: str, layout: dict[str, Any], tmp_path: Path) -> None:
    path = written(tmp_path, encoded(cv2.resize(smooth(), (200, 600)), name, **layout))
    whole = read_rgb(path)
    with opened_raster(path) as raster:
        for top, bottom in ((0, 10), (5, 131), (300, 301), (301, 590), (590, 600)):
            np.testing.assert_array_equal(raster.rows(top, bottom), whole[top:bottom])


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_colours_of_16_bits_keep_what_a_camera_of_12_saw(name: str, tmp_path: Path) -> None:
    """Only the lower 12 of 16 bits are used: dropping the lower 8, as Pillow does, would leave 16 shades of black."""
    deep = smooth().astype(np.uint16) * 16
    if name.endswith("png"):
        cv2.imwrite(str(tmp_path / name), deep[:, :, ::-1])
    else:
        tifffile.imwrite(tmp_path / name, deep, photometric="rgb")
    np.testing.assert_array_equal(read_rgb(tmp_path / name), to_8_bit(deep, 4095))


def test_a_tiff_that_is_cut_off_is_named(tmp_path: Path) -> None:
    content = encoded(smooth(), "TIFF", compression="tiff_lzw", strip_size=WIDTH * 3 * 16)
    whole = written(tmp_path, content)
    with opened_raster(whole) as raster:
        whole.write_bytes(content[: len(content) // 2])
        with pytest.raises(PictureError, match=r"the file ends too early|is damaged"):
            in_bands(raster)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photo_that_is_cut_off_is_named(kind: str, tmp_path: Path) -> None:
    content = encoded(smooth(), kind)
    cut = written(tmp_path, content[: len(content) // 2], f"cut.{kind.lower()}")
    with pytest.raises(PictureError, match="is damaged"), opened_raster(cut) as raster:
        in_bands(raster)


@pytest.mark.parametrize("is_deep", [True, False])
def test_a_photo_is_decoded_again_for_rows_that_are_gone(is_deep: bool, tmp_path: Path) -> None:
    colours = smooth().astype(np.uint16) * 16 if is_deep else smooth()
    cv2.imwrite(str(tmp_path / "twice.png"), colours[:, :, ::-1])
    with opened_raster(tmp_path / "twice.png") as raster:
        first = in_bands(raster, step=50)
        np.testing.assert_array_equal(in_bands(raster, step=29), first)
    np.testing.assert_array_equal(first, read_rgb(tmp_path / "twice.png"))


@pytest.mark.parametrize("size", [(75, 100), (60, 77), (149, 199), (1, 1)])
def test_averaging_in_bands_is_averaging_the_whole(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segmentation.rasters._BAND_PIXELS", WIDTH * 13)
    with opened_raster(written(tmp_path, encoded(smooth(), "PNG"))) as raster:
        found = averaged_down(raster, size)
    expected = cv2.resize(smooth(), (size[1], size[0]), interpolation=cv2.INTER_AREA)
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("most", [10, 10_000_000])
def test_a_view_is_no_larger_than_asked_for(most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segmentation.rasters.LARGE_PIXELS", most)
    path = written(tmp_path, encoded(smooth(), "TIFF"))
    assert read_at_most(path, 100).shape == (75, 100, 3)
    np.testing.assert_array_equal(read_at_most(path, 4096), smooth())
