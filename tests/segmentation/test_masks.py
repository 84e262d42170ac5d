"""Masks through files and back; overlays of known colours."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.masks import mask_png, overlay, palette_png, read_mask
from segmentation.pictures import PictureError
from segmentation.spec import LabelSpec
from tests.segmentation.drawings import corners, encoded, written

LABELS = (
    LabelSpec(0, "ground", "#000000"),
    LabelSpec(1, "scratch", "#ff8000", is_defect=True),
    LabelSpec(2, "pit", "#0040c0", is_defect=True),
)


def every_value() -> np.ndarray:
    return np.arange(256, dtype=np.uint8).reshape(8, 32)


def test_a_mask_comes_back_bit_by_bit(tmp_path: Path) -> None:
    for mask in (every_value(), np.zeros((1, 1), np.uint8), every_value()[:, ::2]):
        path = written(tmp_path, mask_png(mask))
        np.testing.assert_array_equal(read_mask(path), mask)
        with Image.open(path) as image:
            assert image.mode == "L"


def test_the_palette_shows_colours_and_keeps_indices(tmp_path: Path) -> None:
    mask = np.array([[0, 1], [2, 255]], np.uint8)
    path = written(tmp_path, palette_png(mask, LABELS))
    np.testing.assert_array_equal(read_mask(path), mask)
    shown = np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGBA"))
    assert shown[0, 1].tolist() == [255, 128, 0, 255]
    assert shown[1, 0].tolist() == [0, 64, 192, 255]
    assert shown[1, 1, 3] == 0


@pytest.mark.parametrize(
    ("stored", "format"),
    [
        (np.array([[0, 1], [1, 0]], bool), "PNG"),
        (np.array([[0, 1], [1, 0]], np.uint16), "PNG"),
        (np.array([[0, 1], [1, 0]], np.uint8), "TIFF"),
        (np.array([[0, 1], [1, 0]], np.uint8), "BMP"),
        (np.array([[0, 1], [1, 0]], np.uint8)[:, :, None].repeat(3, axis=2), "PNG"),
    ],
)
def test_masks_as_other_tools_write_them(stored: np.ndarray, format: str, tmp_path: Path) -> None:
    mask = read_mask(written(tmp_path, encoded(stored, format)))
    assert mask.dtype == np.uint8
    assert mask.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("stored", "format", "reason"),
    [
        (np.full((4, 4), 300, np.uint16), "PNG", "holds the values 300 to 300"),
        (corners(), "PNG", "is a colour picture"),
        (np.zeros((4, 4), np.uint8), "JPEG", "is a JPEG file; a mask must be stored without loss"),
    ],
)
def test_what_cannot_be_a_mask_says_why(stored: np.ndarray, format: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=reason):
        read_mask(written(tmp_path, encoded(stored, format)))


def test_overlay_mixes_label_colours_where_they_are_not_skipped() -> None:
    rgb = np.full((2, 2, 3), 100, np.uint8)
    mask = np.array([[0, 1], [2, 255]], np.uint8)
    mixed = overlay(rgb, mask, LABELS, opacity=0.5)
    assert mixed[0, 0].tolist() == [100, 100, 100]
    np.testing.assert_allclose(mixed[0, 1], (177.5, 114, 50), atol=1)
    np.testing.assert_allclose(mixed[1, 0], (50, 82, 146), atol=1)
    assert mixed[1, 1].tolist() == [100, 100, 100]
    assert overlay(rgb, mask, LABELS, opacity=1, skip=frozenset())[0, 0].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(overlay(rgb, mask, LABELS, opacity=0), rgb)
    assert rgb.min() == rgb.max() == 100


def test_overlay_wants_one_size_and_a_share() -> None:
    rgb, mask = np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8)
    with pytest.raises(ValueError, match="one size"):
        overlay(rgb, mask[:1], LABELS)
    with pytest.raises(ValueError, match="0 to 1"):
        overlay(rgb, mask, LABELS, opacity=50)


def test_wrong_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        mask_png(np.zeros((2, 2), np.int64))  # type: ignore[arg-type]


def test_mask_png_is_small_for_plain_masks() -> None:
    assert len(mask_png(np.zeros((1000, 1000), np.uint8))) < 10_000
    assert Image.open(io.BytesIO(mask_png(np.zeros((30, 40), np.uint8)))).size == (40, 30)
