"""What the largest pictures take while they are looked at and decoded, measured in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.hostile.samples import png_saying, samples
from tests.segmentation.drawings import encoded

SIDE = 4000
PIXELS = SIDE * SIDE
SPARE_BYTES = 90_000_000
"""For strips that are converted, and what libraries set aside."""
MEASURE = """
import json, sys
from pathlib import Path
from segmentation.pictures import PictureError, inspect_picture, read_rgb

def taken(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])

before, answers = taken("VmRSS"), []
for path in sys.argv[2:]:
    try:
        found = {"look": inspect_picture, "read": read_rgb}[sys.argv[1]](path)
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


@pytest.mark.parametrize(
    ("kind", "most_bytes_a_pixel"),
    [("RGB PNG", 7), ("RGBA PNG", 7), ("16-bit PNG", 6), ("palette PNG", 5), ("CMYK JPEG", 8), ("WebP", 20)],
)
def test_a_decoded_picture_takes_its_pixels_and_little_more(kind: str, most_bytes_a_pixel: int, tmp_path: Path) -> None:
    flat = Image.new("RGB", (SIDE, SIDE))
    content = {
        "RGB PNG": lambda: png_saying(SIDE, SIDE, rows=SIDE, color=2),
        "RGBA PNG": lambda: png_saying(SIDE, SIDE, rows=SIDE, color=6),
        "16-bit PNG": lambda: png_saying(SIDE, SIDE, rows=SIDE, depth=16),
        "palette PNG": lambda: encoded(flat.quantize(4), "PNG", transparency=0, compress_level=1),
        "CMYK JPEG": lambda: encoded(Image.fromarray(np.zeros((SIDE, SIDE, 4), np.uint8), "CMYK"), "JPEG"),
        "WebP": lambda: encoded(flat, "WEBP", lossless=True, quality=0, method=0),
    }[kind]()
    path = tmp_path / "large"
    path.write_bytes(content)
    taken, answers = measured("read", path)
    assert answers == ["fine"]
    assert taken <= most_bytes_a_pixel * PIXELS + SPARE_BYTES


def test_looking_at_bombs_takes_next_to_nothing(tmp_path: Path) -> None:
    paths = []
    for place, (_, sample) in enumerate(sorted(samples().items())):
        if sample.name.startswith("b."):
            paths.append(tmp_path / str(place))
            paths[-1].write_bytes(sample.content)
    taken, answers = measured("look", *paths)
    assert len(answers) == 10
    assert "fine" not in answers
    assert taken <= SPARE_BYTES
