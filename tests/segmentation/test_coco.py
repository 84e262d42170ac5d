"""COCO JSON: polygons, both kinds of run lengths, crowds, panoptic PNGs, sparse ids, and every fault named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmentation.datasets import DatasetError, detect_format, open_dataset
from tests.segmentation.labelled import picture

BOX = [[10.0, 5.0, 20.0, 5.0, 20.0, 9.0, 10.0, 9.0]]
CATEGORIES = [{"id": 90, "name": "toothbrush"}, {"id": 3, "name": "car"}]


def shape(category: int, segmentation: Any, **more: Any) -> dict[str, Any]:
    return {"id": 1, "image_id": 7, "category_id": category, "segmentation": segmentation, "iscrowd": 0, **more}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """As COCO lies on disk: annotations/instances_val2017.json beside val2017/."""
    (tmp_path / "annotations").mkdir()
    (tmp_path / "val2017").mkdir()
    Image.fromarray(picture(1)).save(tmp_path / "val2017" / "000007.jpg")
    return tmp_path


def write(root: Path, *shapes: dict[str, Any], name: str = "instances_val2017", **more: Any) -> None:
    image = {"id": 7, "file_name": "000007.jpg", "width": 40, "height": 30}
    content = {"images": [image], "annotations": list(shapes), "categories": CATEGORIES, **more}
    (root / "annotations" / f"{name}.json").write_text(json.dumps(content))


def drawn(root: Path) -> np.ndarray:
    return open_dataset(root).read("000007")[1]


def test_sparse_ids_become_indices_in_their_order(root: Path) -> None:
    write(root, shape(90, BOX))
    dataset = open_dataset(root)
    assert detect_format(root) == "coco"
    assert [(label.index, label.name) for label in dataset.labels] == [(0, "background"), (1, "car"), (2, "toothbrush")]
    assert dict(dataset.splits) == {"train": (), "val": ("000007",), "test": ()}
    expected = np.zeros((30, 40), np.uint8)
    expected[5:9, 10:20] = 2
    np.testing.assert_array_equal(drawn(root), expected)


def test_all_kinds_of_run_lengths_say_the_same(root: Path) -> None:
    """Columns first: 10 columns of 30, then in each of 10 columns 5 outside, 4 inside, 21 outside."""
    runs = [305, 4]
    for _ in range(9):
        runs += [26, 4]
    runs.append(40 * 30 - sum(runs))
    write(root, shape(3, BOX))
    polygon = drawn(root)
    write(root, shape(3, {"size": [30, 40], "counts": runs}))
    np.testing.assert_array_equal(drawn(root), polygon)
    # As pycocotools.mask.encode writes it: 5 bits a letter, differences to the run two before.
    write(root, shape(3, {"size": [30, 40], "counts": compressed(runs)}))
    np.testing.assert_array_equal(drawn(root), polygon)


def compressed(runs: list[int]) -> str:
    """rleToString of maskApi.c."""
    text = ""
    for place, run in enumerate(runs):
        value, more = run - (runs[place - 2] if place > 2 else 0), True
        while more:
            chunk = value & 0x1F
            value >>= 5
            more = value != -1 if chunk & 0x10 else value != 0
            text += chr((chunk | 0x20 if more else chunk) + 48)
    return text


def test_small_lies_on_large_and_all_on_crowds(root: Path) -> None:
    whole = [[0.0, 0.0, 40.0, 0.0, 40.0, 30.0, 0.0, 30.0]]
    crowd = {"size": [30, 40], "counts": [0, 1200]}
    write(root, shape(3, BOX), shape(90, whole), shape(3, crowd, iscrowd=1))
    found = drawn(root)
    assert (found == 1).sum() == 40
    assert (found == 2).sum() == 1200 - 40


def test_what_is_drawn_as_nothing_is_nothing(root: Path) -> None:
    write(root, shape(3, []), shape(3, [[1, 2, 3, 4]]))
    assert not drawn(root).any()


def test_pictures_without_annotations_count_and_lost_ones_are_told(root: Path) -> None:
    images = [{"id": id_, "file_name": f"{id_:06}.jpg", "width": 40, "height": 30} for id_ in (7, 8)]
    write(root, images=images)
    dataset = open_dataset(root)
    assert dataset.names() == ("000007",)
    assert dataset.notes == ("1 listed pictures are not in the data set and were left out.",)


def test_a_category_called_background_is_label_0_and_ignore_is_255(root: Path) -> None:
    categories = [{"id": 4, "name": "dent"}, {"id": 9, "name": "Background"}, {"id": 1, "name": "ignore"}]
    write(root, shape(1, BOX), categories=categories)
    dataset = open_dataset(root)
    assert [(label.name, label.is_defect) for label in dataset.labels] == [("Background", False), ("dent", True)]
    assert set(np.unique(dataset.read_mask("000007"))) == {0, 255}


def test_a_file_per_folder_as_roboflow_exports_it(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        (tmp_path / split).mkdir()
        Image.fromarray(picture(len(split))).save(tmp_path / split / "a.jpg")
        image = {"id": 7, "file_name": "a.jpg", "width": 40, "height": 30}
        content = {"images": [image], "annotations": [shape(3, BOX)], "categories": CATEGORIES}
        (tmp_path / split / "_annotations.coco.json").write_text(json.dumps(content))
    dataset = open_dataset(tmp_path)
    assert dict(dataset.splits) == {"train": ("a",), "val": ("val/a",), "test": ()}
    np.testing.assert_array_equal(dataset.read_mask("a"), dataset.read_mask("val/a"))
    assert dataset.image_path("val/a").parent.name == "valid"


class TestPanoptic:
    def write(self, root: Path, *segments: dict[str, Any]) -> None:
        ids = np.zeros((30, 40, 3), np.uint8)
        ids[5:9, 10:20] = (1, 2, 0)  # 513
        ids[20:, :] = (0, 0, 1)  # 65536
        folder = root / "annotations" / "panoptic_val2017"
        folder.mkdir(exist_ok=True)
        Image.fromarray(ids).save(folder / "000007.png")
        row = {"image_id": 7, "file_name": "000007.png", "segments_info": list(segments)}
        write(root, row, name="panoptic_val2017")

    def test_ids_are_colours_and_what_no_segment_covers_is_not_judged(self, root: Path) -> None:
        self.write(root, {"id": 513, "category_id": 90}, {"id": 65536, "category_id": 3, "iscrowd": 1})
        dataset = open_dataset(root)
        assert dataset.format == "coco-panoptic"
        assert [label.name for label in dataset.labels] == ["car", "toothbrush"]
        found = dataset.read("000007")[1]
        assert [(found == index).sum() for index in (0, 1, 255)] == [400, 40, 1200 - 440]

    def test_beside_instances_it_is_taken_when_asked_for(self, root: Path) -> None:
        self.write(root, {"id": 513, "category_id": 90}, {"id": 65536, "category_id": 3})
        write(root, shape(3, BOX))
        assert open_dataset(root).format == "coco"
        assert open_dataset(root, format="coco-panoptic").format == "coco-panoptic"

    def test_an_id_that_is_not_listed(self, root: Path) -> None:
        self.write(root, {"id": 513, "category_id": 90})
        with pytest.raises(DatasetError, match=r"000007\.png: holds the segment id 65536, which .*annotations\[0\]"):
            drawn(root)


class TestFaultsAreNamed:
    @pytest.mark.parametrize(
        ("segmentation", "said"),
        [
            ({"size": [40, 30], "counts": [1200]}, "they are for"),
            ({"size": [30, 40], "counts": [5, 5]}, "sum to 10, the picture has 1200"),
            ({"size": [30, 40], "counts": [-5, 1205]}, "run lengths sum"),
            ({"size": [30, 40], "counts": "zzzz"}, "damaged"),
            ({"size": [30, 40], "counts": "5"}, "sum to 5"),
            ({"size": [30, 40]}, "counts"),
            ([["a", "b", "c", "d", "e", "f"]], "could not convert"),
            ([[1, 2, 3, 4, 5, float("nan")]], "no number"),
            ("polygon", "expected polygons"),
        ],
    )
    def test_shapes(self, root: Path, segmentation: Any, said: str) -> None:
        write(root, shape(3, segmentation, id=44))
        with pytest.raises(DatasetError, match=rf"instances_val2017\.json: annotations\[0\] \(id 44\): .*{said}"):
            drawn(root)

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"categories": []}, 'expected "categories"'),
            ({"categories": [{"id": 1}]}, r"categories\[0\]"),
            ({"images": [{"id": 7}]}, r"images\[0\]: expected"),
            ({"images": [{"id": 7, "file_name": "../x.jpg", "width": 4, "height": 4}]}, "inside the data set"),
            ({"images": [{"id": 7, "file_name": "/etc/x.jpg", "width": 4, "height": 4}]}, "inside the data set"),
            ({"annotations": [{"image_id": 8}]}, r"annotations\[0\]: expected the id of a listed picture"),
            ({"annotations": {}}, 'expected {"images"'),
        ],
    )
    def test_lists(self, root: Path, more: dict[str, Any], said: str) -> None:
        write(root, **more)
        with pytest.raises(DatasetError, match=rf"instances_val2017\.json.*{said}"):
            open_dataset(root)

    def test_a_category_that_is_not_listed(self, root: Path) -> None:
        write(root, shape(5, BOX))
        with pytest.raises(DatasetError, match="expected the id of a listed category, found 5"):
            drawn(root)

    def test_json_that_breaks_off_says_the_line(self, root: Path) -> None:
        write(root, shape(3, BOX))
        file = root / "annotations" / "instances_val2017.json"
        file.write_text(file.read_text().replace(', "categories"', ',\n\n "categories" oops'))
        with pytest.raises(DatasetError, match=r"instances_val2017\.json: expected JSON: .* line 3"):
            open_dataset(root)

    def test_categories_that_disagree(self, root: Path) -> None:
        write(root, shape(3, BOX))
        write(root, shape(3, BOX), name="instances_train2017", categories=[{"id": 3, "name": "cart"}])
        with pytest.raises(DatasetError, match=r"category 3 is 'car'"):
            open_dataset(root)
