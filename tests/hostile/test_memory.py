"""What the largest pictures take while they are looked at and decoded, measured in a process of their own."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

from tests.hostile.samples import png_saying, samples
from tests.segmentation.drawings import encoded, written

SIDE = 4000
PIXELS = SIDE * SIDE
SPARE_BYTES = 90_000_000
"""For strips that are converted, and what libraries set aside."""
MEASURE = """
import json, sys
from pathlib import Path
from segmentation.pictures import PictureError, inspect_picture, read_rgb
from segmentation.rasters import opened_raster

def read_rows(path):
    with opened_raster(path) as raster:
        for top in range(0, raster.height, 500):
            raster.rows(top, min(raster.height, top + 500))

def taken(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])

before, answers = taken("VmRSS"), []
for path in sys.argv[2:]:
    try:
        found = {"look": inspect_picture, "read": read_rgb, "rows": read_rows}[sys.argv[1]](path)
        answers.append("fine")
    except PictureError as error:
        answers.append(str(error))
print(json.dumps([taken("VmHWM") - before, answers]))
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says what a process takes")


def measured(what: str, *paths: Path) -> tuple[int, list[str]]:
    """Bytes that a fresh process took at most above what it had before, and what became of each file."""
    command = [sys.executable, "-c", MEASURE, what, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    taken, answers = json.loads(done.stdout)
    return taken, answers


def drawn(kind: str) -> bytes:
    """SIDE × SIDE pixels."""
    flat = Image.new("RGB", (SIDE, SIDE))
    drawers: dict[str, Callable[[], bytes]] = {
        "RGB PNG": lambda: png_saying(SIDE, SIDE, rows=SIDE, color=2),
        "RGBA PNG": lambda: png_saying(SIDE, SIDE, rows=SIDE, color=6),
        "16-bit PNG": lambda: png_saying(SIDE, SIDE, rows=SIDE, depth=16),
        "16-bit grey PNG with opacity": lambda: png_saying(SIDE, SIDE, rows=SIDE, depth=16, color=4),
        "16-bit RGB PNG": lambda: png_saying(SIDE, SIDE, rows=SIDE, depth=16, color=2),
        "16-bit RGBA PNG": lambda: png_saying(SIDE, SIDE, rows=SIDE, depth=16, color=6),
        "interlaced RGBA PNG": lambda: interlaced(np.zeros((SIDE, SIDE, 4), np.uint8)),
        "palette PNG": lambda: encoded(flat.quantize(4), "PNG", transparency=0, compress_level=1),
        "JPEG": lambda: encoded(flat, "JPEG", subsampling=0),
        "progressive JPEG": lambda: encoded(flat, "JPEG", subsampling=0, progressive=True),
        "CMYK JPEG": lambda: encoded(Image.fromarray(np.zeros((SIDE, SIDE, 4), np.uint8), "CMYK"), "JPEG"),
        "WebP": lambda: encoded(flat, "WEBP", lossless=True, quality=0, method=0),
        "WebP with opacity": lambda: encoded(Image.new("RGBA", (SIDE, SIDE)), "WEBP", quality=0, method=0),
        "GIF": lambda: encoded(flat.quantize(4), "GIF"),
        "TIFF": lambda: encoded(flat, "TIFF", compression="tiff_adobe_deflate"),
        "16-bit RGB TIFF": lambda: deep_tiff(3),
        "16-bit RGBA TIFF": lambda: deep_tiff(4),
    }
    return drawers[kind]()


def interlaced(pixels: np.ndarray) -> bytes:
    image = pyvips.Image.new_from_array(pixels)
    return bytes(image.pngsave_buffer(interlace=True, compression=1))


def deep_tiff(samples: int) -> bytes:
    stream = io.BytesIO()
    strip = zlib.compress(bytes(100 * SIDE * samples * 2), 1)
    tifffile.imwrite(
        stream,
        (strip for _ in range(SIDE // 100)),
        shape=(SIDE, SIDE, samples),
        dtype=np.uint16,
        rowsperstrip=100,
        photometric="rgb",
        compression="zlib",
        extrasamples=["unassalpha"] if samples == 4 else None,
    )
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "most_bytes_a_pixel"),
    [
        *(("RGB PNG", 7), ("RGBA PNG", 7), ("16-bit PNG", 6), ("palette PNG", 5), ("interlaced RGBA PNG", 7)),
        *(("16-bit grey PNG with opacity", 4), ("16-bit RGB PNG", 4), ("16-bit RGBA PNG", 4)),
        *(("JPEG", 6), ("progressive JPEG", 9), ("CMYK JPEG", 8), ("WebP", 4), ("WebP with opacity", 8), ("GIF", 5)),
        *(("TIFF", 7), ("16-bit RGB TIFF", 4), ("16-bit RGBA TIFF", 4)),
    ],
)
def test_a_decoded_picture_takes_its_pixels_and_little_more(kind: str, most_bytes_a_pixel: int, tmp_path: Path) -> None:
    path = written(tmp_path, drawn(kind))
    taken, answers = measured("read", path)
    assert answers == ["fine"]
    assert taken <= most_bytes_a_pixel * PIXELS + SPARE_BYTES


@pytest.mark.parametrize(
    ("kind", "most_bytes_a_pixel"),
    [
        *(("JPEG", 0), ("RGB PNG", 0), ("RGBA PNG", 0), ("palette PNG", 0), ("16-bit RGB PNG", 0)),
        *(("16-bit RGBA PNG", 0), ("16-bit grey PNG with opacity", 0), ("TIFF", 0), ("16-bit RGBA TIFF", 0)),
        *(("progressive JPEG", 6), ("interlaced RGBA PNG", 4)),
    ],
)
def test_a_picture_read_by_rows_takes_no_more_for_its_size(kind: str, most_bytes_a_pixel: int, tmp_path: Path) -> None:
    """But for those of which the decoder holds all: these bytes are what `segmentation.whole` reckons with."""
    path = written(tmp_path, drawn(kind))
    taken, answers = measured("rows", path)
    assert answers == ["fine"]
    assert taken <= most_bytes_a_pixel * PIXELS + SPARE_BYTES


@pytest.mark.parametrize("what", ["read", "rows"])
def test_strips_that_swell_take_next_to_nothing(what: str, tmp_path: Path) -> None:
    """Each is unpacked to the 24,576 bytes that its pixels have, whatever else lies behind these."""
    swelling = [sample for sample in samples().values() if sample.name == "swells.tif"]
    paths = [written(tmp_path, sample.content, str(place)) for place, sample in enumerate(swelling)]
    taken, answers = measured(what, *paths)
    assert answers == ["fine"] * 4
    assert taken <= SPARE_BYTES


def test_looking_at_bombs_takes_next_to_nothing(tmp_path: Path) -> None:
    paths = []
    for place, (_, sample) in enumerate(sorted(samples().items())):
        if sample.name.startswith("b."):
            paths.append(tmp_path / str(place))
            paths[-1].write_bytes(sample.content)
    taken, answers = measured("look", *paths)
    assert len(answers) == 16
    assert "fine" not in answers
    assert taken <= SPARE_BYTES
