"""Cityscapes: the 19 training classes, the 30 classes, ids or polygons, and every fault named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmentation.datasets import DatasetError, open_dataset
from tests.segmentation.labelled import picture

STEM = "aachen_000000_000019"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One training picture: unlabelled, road (7), static (4), car (26), licence plate (-1, stored as 255)."""
    for part in ("leftImg8bit", "gtFine"):
        (tmp_path / part / "train" / "aachen").mkdir(parents=True)
    Image.fromarray(picture(1)).save(tmp_path / "leftImg8bit/train/aachen" / f"{STEM}_leftImg8bit.png")
    ids = np.zeros((30, 40), np.uint8)
    for row, id_ in enumerate((7, 4, 26, 255)):
        ids[5 * row : 5 * row + 5] = id_
    Image.fromarray(ids).save(tmp_path / "gtFine/train/aachen" / f"{STEM}_gtFine_labelIds.png")
    return tmp_path


def polygons(root: Path, *objects: dict[str, Any]) -> None:
    folder = root / "gtFine/train/aachen"
    (folder / f"{STEM}_gtFine_labelIds.png").unlink(missing_ok=True)
    content = {"imgHeight": 30, "imgWidth": 40, "objects": list(objects)}
    (folder / f"{STEM}_gtFine_polygons.json").write_text(json.dumps(content))


def box(label: str, left: int, top: int, right: int, bottom: int, **more: Any) -> dict[str, Any]:
    return {"label": label, "polygon": [[left, top], [right, top], [right, bottom], [left, bottom]], **more}


def test_nineteen_training_classes(root: Path) -> None:
    dataset = open_dataset(root)
    assert dataset.format == "cityscapes"
    assert len(dataset.labels) == 19
    assert [(dataset.labels[index].index, dataset.labels[index].name) for index in (0, 13, 18)] == [
        (0, "road"),
        (13, "car"),
        (18, "bicycle"),
    ]
    assert dict(dataset.splits) == {"train": (STEM,), "val": (), "test": ()}
    assert dataset.read(STEM)[1][[0, 5, 10, 15, 25], 3].tolist() == [0, 255, 13, 255, 255]


def test_thirty_classes(root: Path) -> None:
    dataset = open_dataset(root, cityscapes_classes=30)
    names = [label.name for label in dataset.labels]
    assert len(names) == 30
    assert names[:4] == ["static", "dynamic", "ground", "road"]
    assert {"parking", "rail track", "polegroup", "caravan", "trailer"} < set(names)
    assert dataset.read_mask(STEM)[[0, 5, 10, 15, 25], 3].tolist() == [3, 0, names.index("car"), 255, 255]
    with pytest.raises(ValueError, match="19 training classes or 30"):
        open_dataset(root, cityscapes_classes=34)


def test_polygons_are_drawn_in_their_order(root: Path) -> None:
    polygons(
        root,
        box("road", 0, 0, 39, 29),
        box("cargroup", 4, 4, 9, 9),
        box("license plate", 5, 5, 6, 6),
        box("person", 8, 8, 12, 12),
        box("bus", 20, 20, 25, 25, deleted=1),
    )
    found = open_dataset(root).read(STEM)[1]
    assert (found[0, 0], found[5, 5], found[9, 9], found[22, 22]) == (0, 13, 11, 0)


def test_test_pictures_without_truth_are_left_out(root: Path) -> None:
    for part, end in (("leftImg8bit", "leftImg8bit"), ("gtFine", "gtFine_labelIds")):
        folder = root / part / "test" / "berlin"
        folder.mkdir(parents=True)
        content = picture(2) if part == "leftImg8bit" else np.zeros((30, 40), np.uint8)
        Image.fromarray(content).save(folder / f"berlin_000000_000019_{end}.png")
    dataset = open_dataset(root)
    assert dataset.names() == (STEM,)
    assert "without truth" in dataset.notes[0]


class TestFaultsAreNamed:
    def test_no_truth(self, root: Path) -> None:
        (root / "gtFine/train/aachen" / f"{STEM}_gtFine_labelIds.png").unlink()
        with pytest.raises(DatasetError, match=r"gtFine_labelIds\.png: expected the truth of"):
            open_dataset(root)

    def test_an_id_beyond_the_table(self, root: Path) -> None:
        Image.fromarray(np.full((30, 40), 34, np.uint8)).save(
            root / "gtFine/train/aachen" / f"{STEM}_gtFine_labelIds.png"
        )
        with pytest.raises(DatasetError, match="holds the id 34, expected 0 to 33 or 255"):
            open_dataset(root).read_mask(STEM)

    @pytest.mark.parametrize(
        ("drawn", "said"),
        [
            (box("unicorn", 0, 0, 3, 3), r"objects\[0\] is labelled 'unicorn'"),
            ({"label": "car"}, r"objects\[0\]: expected"),
            ({"label": "car", "polygon": [[1]]}, r"objects\[0\]: expected"),
        ],
    )
    def test_objects(self, root: Path, drawn: dict[str, Any], said: str) -> None:
        polygons(root, drawn)
        with pytest.raises(DatasetError, match=rf"polygons\.json: {said}"):
            open_dataset(root).read_mask(STEM)

    def test_a_size_that_no_picture_has(self, root: Path) -> None:
        polygons(root)
        file = root / "gtFine/train/aachen" / f"{STEM}_gtFine_polygons.json"
        file.write_text(json.dumps({"imgHeight": 10**9, "imgWidth": 10**9, "objects": []}))
        with pytest.raises(DatasetError, match="expected the size of a picture"):
            open_dataset(root).read_mask(STEM)

    def test_no_pictures(self, tmp_path: Path) -> None:
        (tmp_path / "leftImg8bit").mkdir()
        (tmp_path / "gtFine").mkdir()
        with pytest.raises(DatasetError, match="leftImg8bit: expected train/CITY"):
            open_dataset(tmp_path)
