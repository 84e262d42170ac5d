"""Data sets from strangers: read rightly, or refused with the file that is wrong; never anything else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.datasets import DatasetError, LabelledDataset, open_dataset
from tests.data_sets import write_set
from tests.hostile.json_changes import changed
from tests.hostile.mutations import mutated

FORMATS = ("folder", "voc", "coco", "coco-panoptic", "cityscapes")
PATIENT = settings(
    max_examples=50, deadline=5000, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
STREET = {
    "imgWidth": 32,
    "imgHeight": 24,
    "objects": [
        {"label": "road", "polygon": [[0, 0], [20, 0], [20, 9]]},
        {"label": "cargroup", "polygon": [[3, 3], [9, 3], [9, 9], [3, 9]], "deleted": 0},
    ],
}


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sets")
    return {name: write_set(folder / name, name) for name in FORMATS}


def read_all(path: Path) -> LabelledDataset | None:
    """Everything that an import reads; None where the set was refused in words."""
    try:
        found = open_dataset(path)
        for name in found.all_names():
            rgb, mask = found.read(name)
            assert rgb.shape[:2] == mask.shape
            assert set(np.unique(mask)) <= {label.index for label in found.labels} | {255}
        assert found.splits
    except DatasetError as error:
        assert 10 < len(str(error)) < 2000  # noqa: PT017
        return None
    return found


@pytest.mark.parametrize("format_", FORMATS)
def test_any_file_of_a_set_may_be_damaged(format_: str, sets: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "set"
    shutil.copytree(sets[format_], path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    described = [file for file in files if file.suffix in (".json", ".txt")] or files[:1]
    refused = 0
    for seed in range(25):
        file = described[seed % len(described)] if seed % 2 else files[seed % len(files)]
        whole = file.read_bytes()
        file.write_bytes(mutated(whole, seed))
        refused += read_all(path) is None
        file.write_bytes(whole)
    assert refused > 5
    assert read_all(path) is not None


@pytest.mark.parametrize("format_", ["folder", "coco", "coco-panoptic"])
def test_any_value_of_its_json_may_be_another(format_: str, sets: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "set"
    shutil.copytree(sets[format_], path)
    files = {file: json.loads(file.read_text()) for file in sorted(path.rglob("*.json"))}
    known = st.sampled_from(sorted(files)).flatmap(lambda file: changed(files[file]).map(lambda found: (file, found)))

    @PATIENT
    @given(known)
    def check(change: tuple[Path, object]) -> None:
        file, document = change
        file.write_text(json.dumps(document))
        read_all(path)
        file.write_text(json.dumps(files[file]))

    check()
    assert read_all(path) is not None


def test_any_value_of_a_street_scene_may_be_another(sets: dict[str, Path], tmp_path: Path) -> None:
    """Polygons, as Cityscapes gives them beside its masks."""
    path = tmp_path / "set"
    shutil.copytree(sets["cityscapes"], path)
    (path / "labels.json").unlink(missing_ok=True)
    truths = sorted((path / "gtFine").rglob("*_gtFine_labelIds.png"))
    for truth in truths:
        truth.with_name(truth.name.replace("labelIds.png", "polygons.json")).write_text(json.dumps(STREET))
        truth.unlink()
    assert read_all(path) is not None
    drawn = truths[0].with_name(truths[0].name.replace("labelIds.png", "polygons.json"))

    @PATIENT
    @given(changed(STREET))
    def check(document: object) -> None:
        drawn.write_text(json.dumps(document))
        read_all(path)

    check()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"segmentation": [[0, 0, 1e9, 0, 1e9, 1e9]]}, "far outside its picture"),
        ({"segmentation": {"size": [24, 32], "counts": "\x7f" * 50}}, "damaged"),
        ({"segmentation": {"size": [10**6, 10**6], "counts": [10**12]}}, "the picture has"),
        ({"image_id": [1]}, "the id of a listed picture"),
        ({"category_id": 10**30}, "the id of a listed category"),
    ],
)
def test_shapes_that_would_take_all_memory_are_refused(
    change: dict[str, object], words: str, sets: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "set"
    shutil.copytree(sets["coco"], path)
    file = next(one for one in sorted(path.rglob("*.json")) if '"annotations"' in one.read_text())
    document = json.loads(file.read_text())
    document["annotations"][0].update(change)
    file.write_text(json.dumps(document))
    with pytest.raises(DatasetError, match=words):
        [found.read_mask(name) for found in [open_dataset(path)] for name in found.all_names()]


def test_a_picture_of_a_size_beyond_all_memory_is_refused(sets: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "set"
    shutil.copytree(sets["coco"], path)
    file = next(one for one in sorted(path.rglob("*.json")) if '"annotations"' in one.read_text())
    document = json.loads(file.read_text())
    document["images"][0].update({"width": 10**6, "height": 10**6})
    file.write_text(json.dumps(document))
    with pytest.raises(DatasetError, match="the size of a picture"):
        open_dataset(path)
