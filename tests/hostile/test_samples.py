"""Every single file through the intake itself, as a browser's upload comes: taken in rightly, or refused in words."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from segmentation.pictures import read_rgb
from tests.hostile.drawn import HEIGHT, WIDTH
from tests.hostile.samples import NAMES, samples
from tests.segmentation.drawings import corners
from webapp import storage
from webapp.actions.upload import add_file, open_batch
from webapp.models import Batch, Image, Project, SkippedFile

pytestmark = pytest.mark.django_db

# What a person reads may name neither Python's objects nor where the server keeps its files.
NOT_FOR_PEOPLE = re.compile(r"0x[0-9a-f]{4}|<_io|Traceback|/tmp/|\bself\b|Pil[A-Z]|Plugin")


@pytest.fixture
def batch(project: Project, data_folder: Path) -> Batch:
    return open_batch(project=project, user=None)


@pytest.mark.parametrize("kind", samples())
def test_a_file_is_taken_in_rightly_or_refused_in_words(kind: str, batch: Batch) -> None:
    sample = samples()[kind]
    added = add_file(batch=batch, name=sample.name, stream=io.BytesIO(sample.content))
    if sample.size is None:
        assert added.outcome == "rejected"
        assert sample.reason in added.reason
        assert not NOT_FOR_PEOPLE.search(added.reason)
        assert SkippedFile.objects.get().reason == added.reason
        assert not Image.objects.exists()
        assert not list(storage.temporary_folder().iterdir())
        return
    assert added.outcome == "stored", added.reason
    image = Image.objects.get()
    assert (image.width_px, image.height_px) == sample.size
    assert (image.latitude, image.longitude) == (None, None)
    assert storage.original_path(image.sha256).read_bytes() == sample.content
    assert read_rgb(storage.original_path(image.sha256)).shape == (sample.size[1], sample.size[0], 3)


@pytest.mark.parametrize("kind", NAMES)
def test_a_name_becomes_harmless_and_stays_readable(kind: str, batch: Batch) -> None:
    added = add_file(batch=batch, name=samples()[kind].name, stream=io.BytesIO(samples()[kind].content))
    assert added.name == NAMES[kind][1] == Image.objects.get().name


def test_one_name_in_three_cases_is_three_pictures(batch: Batch) -> None:
    for name in ("Part.PNG", "part.png", "PART.png"):
        add_file(batch=batch, name=name, stream=io.BytesIO(samples()[name].content))
    assert set(Image.objects.values_list("name", flat=True)) == {"Part.PNG", "part.png", "PART.png"}


@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [
        *(("PNG", 0), ("LZW TIFF", 0), ("deflate TIFF", 0), ("lossless WebP", 0), ("BMP", 0), ("TIFF", 0)),
        *(("CMYK TIFF", 2), ("palette PNG", 2), ("palette BMP", 2), ("GIF", 2), ("CMYK JPEG", 40)),
    ],
)
def test_what_is_taken_in_shows_what_was_drawn(kind: str, tolerance: int, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(samples()[f"whole {kind}"].content)
    drawn = corners(WIDTH, HEIGHT).astype(int)
    rgb = read_rgb(path).astype(int)
    # A palette's see-through colour is laid on white.
    shown = (rgb != 255).any(axis=2) | (drawn == 255).all(axis=2)
    assert abs(rgb - drawn)[shown].max() <= tolerance
    assert shown.mean() > 0.7
