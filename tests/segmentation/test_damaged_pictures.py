"""What a person may upload by mistake or in malice: a reason in words, never another exception."""

from __future__ import annotations

import contextlib
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from segmentation.pictures import PictureError, PictureLimits, inspect_picture, read_rgb
from tests.segmentation.drawings import corners, encoded, heic, noise, written

VARIANTS = {
    "JPEG": ("JPEG", {"quality": 90}),
    "progressive JPEG": ("JPEG", {"quality": 90, "progressive": True}),
    "PNG": ("PNG", {}),
    "TIFF": ("TIFF", {}),
    "compressed TIFF": ("TIFF", {"compression": "tiff_lzw"}),
    "WebP": ("WEBP", {}),
    "BMP": ("BMP", {}),
    "GIF": ("GIF", {}),
}


def whole(variant: str, *, small: bool = False) -> bytes:
    if variant == "HEIC":
        return heic()
    name, options = VARIANTS[variant]
    return encoded(corners() if small else noise(100, 80), name, **options)


def reason(path: Path) -> str:
    with pytest.raises(PictureError) as caught:
        inspect_picture(path)
    return str(caught.value)


@pytest.mark.parametrize("variant", [*VARIANTS, "HEIC"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.98])
def test_a_file_cut_off_anywhere_is_found_by_looking(variant: str, share: float, tmp_path: Path) -> None:
    content = whole(variant)
    path = written(tmp_path, content[: int(len(content) * share)])
    assert "damaged" in reason(path)
    with pytest.raises(PictureError, match="damaged"):
        read_rgb(path)


@pytest.mark.parametrize("variant", ["JPEG", "progressive JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF"])
def test_cut_off_files_are_called_so(variant: str, tmp_path: Path) -> None:
    content = whole(variant)
    path = written(tmp_path, content[: len(content) * 3 // 4])
    assert reason(path) in (
        "is damaged: the file ends too early",
        "is damaged: it begins like a TIFF, but its header cannot be read",
    )


def test_a_jpeg_without_its_end_marker_but_all_pixels_is_kept(tmp_path: Path) -> None:
    content = encoded(corners(64, 64), "JPEG", quality=95, subsampling=0)
    path = written(tmp_path, content[:-2])
    assert inspect_picture(path).width == 64
    assert np.abs(read_rgb(path).astype(int) - corners(64, 64)).max() <= 12


def test_a_jpeg_whose_preview_alone_is_whole_is_refused(tmp_path: Path) -> None:
    """The preview in the header has an end marker of its own."""
    preview = encoded(corners(), "JPEG")
    exif = b"Exif\0\0" + preview
    whole_file = encoded(noise(), "JPEG", exif=exif)
    path = written(tmp_path, whole_file[: len(whole_file) // 2])
    assert reason(path) == "is damaged: the file ends too early"


def test_bytes_after_the_end_of_a_jpeg_do_no_harm(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(corners(), "JPEG") + b"SEFH" + bytes(1000))
    assert inspect_picture(path).format == "JPEG"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7\n...", "is not an image that can be read here (looks like a PDF)"),
        (b"PK\x03\x04" + bytes(50), "looks like a ZIP archive or an office document"),
        (b"Dear Sir,\nplease find attached", "looks like text"),
        (b"<!DOCTYPE html><html>", "looks like a web page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x">', "looks like an SVG drawing"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(40), "looks like a video"),
        (b"\x00\x00\x00\x18ftypavif" + bytes(40), "looks like an AVIF"),
        (b"RIFF\x10\x00\x00\x00AVI " + bytes(40), "looks like a video"),
        (b"MZ\x90\x00" + bytes(60), "looks like a Windows program"),
        (bytes(range(256)), "is not an image"),
        (b"\xff\xd8\xff\xe0", "is damaged: "),
        (b"\x89PNG\r\n\x1a\n", "is damaged: "),
    ],
)
def test_what_is_no_image_is_named(content: bytes, expected: str, tmp_path: Path) -> None:
    path = written(tmp_path, content, "photo.jpg")
    assert expected in reason(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert reason(tmp_path / "nowhere.jpg") == "is missing: no such file"
    assert "cannot be read" in reason(tmp_path)


def test_formats_outside_the_list_are_refused(tmp_path: Path) -> None:
    for name in ("PPM", "TGA", "PCX", "ICO", "EPS"):
        assert "is not an image" in reason(written(tmp_path, encoded(corners(), name)))


def test_a_header_that_claims_a_huge_picture_costs_nothing(tmp_path: Path) -> None:
    """A few hundred bytes that would unpack to 3.6 thousand million pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9)))
    path = written(tmp_path, content + chunk(b"IEND", b""))
    assert reason(path) == "is 60,000 × 60,000 pixels; at most 400 million pixels are accepted"
    with pytest.raises(PictureError, match="million pixels"):
        read_rgb(path)


def test_a_png_with_too_few_pixels_is_found_at_the_latest_when_read(tmp_path: Path) -> None:
    content = encoded(corners(), "PNG")
    place = content.index(b"IDAT")
    body = zlib.compress(bytes(100))
    chunk = struct.pack(">I", len(body)) + b"IDAT" + body + struct.pack(">I", zlib.crc32(b"IDAT" + body))
    path = written(tmp_path, content[: place - 4] + chunk + content[-12:])
    with pytest.raises(PictureError, match="damaged"):
        read_rgb(path)


def test_a_changed_byte_in_a_png_is_found(tmp_path: Path) -> None:
    content = bytearray(encoded(noise(), "PNG"))
    content[len(content) // 2] ^= 0xFF
    assert "damaged" in reason(written(tmp_path, bytes(content)))


def test_broken_exif_is_no_reason_to_refuse(tmp_path: Path) -> None:
    for body in (
        b"Exif\0\0",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(9),
    ):
        path = written(tmp_path, encoded(corners(), "JPEG", exif=body))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            facts = inspect_picture(path)
            assert read_rgb(path).shape == (32, 48, 3)
        assert (facts.captured_at, facts.latitude) == (None, None)


def test_limits_can_be_set_at_every_door(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(Image.new("RGB", (50, 40)), "PNG"))
    assert read_rgb(path, limits=PictureLimits(max_pixels=2000)).shape == (40, 50, 3)
    with pytest.raises(PictureError):
        read_rgb(path, limits=PictureLimits(max_pixels=1999))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    variant=st.sampled_from([*VARIANTS, "HEIC"]),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.floats(0.05, 1),
)
def test_no_damage_raises_anything_but_picture_error(
    variant: str, changes: list[tuple[float, int]], cut: float, tmp_path: Path
) -> None:
    content = bytearray(whole(variant, small=True))
    for share, value in changes:
        # Squared: most changes hit the header, where they hurt.
        content[int(share**2 * (len(content) - 1))] = value
    path = written(tmp_path, bytes(content[: max(1, int(len(content) * cut))]))
    limits = PictureLimits(max_pixels=1_000_000)
    for look in (inspect_picture, read_rgb):
        with contextlib.suppress(PictureError):
            look(path, limits=limits)
