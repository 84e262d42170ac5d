"""Pascal VOC as the challenge and as annotation programs write it, and every fault named with file and line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.datasets import DatasetError, open_dataset
from segmentation.datasets.voc import LABELS, color_map
from tests.segmentation.labelled import mask, picture, write_drawn


@pytest.fixture
def challenge(tmp_path: Path) -> Path:
    """Two pictures as in VOC2012: a palette PNG with a cow (10) and a void seam (255), one without lists."""
    path = tmp_path / "VOCdevkit" / "VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (path / folder).mkdir(parents=True)
    for name in ("2007_000033", "2007_000042"):
        Image.fromarray(picture(1)).save(path / "JPEGImages" / f"{name}.jpg")
        drawn = Image.fromarray(mask(10))
        drawn.putpalette(color_map().tobytes())
        drawn.save(path / "SegmentationClass" / f"{name}.png")
    Image.fromarray(picture(2)).save(path / "JPEGImages" / "2008_000001.jpg")
    lists = path / "ImageSets" / "Segmentation"
    (lists / "train.txt").write_text("2007_000033\n")
    (lists / "val.txt").write_text("2007_000042\n\n")
    (lists / "test.txt").write_text("2008_000001\n")
    return path


def test_the_challenge(challenge: Path) -> None:
    dataset = open_dataset(challenge.parents[1])
    assert [label.name for label in dataset.labels] == list(LABELS)
    assert not any(label.is_defect for label in dataset.labels)
    assert dict(dataset.splits) == {"train": ("2007_000033",), "val": ("2007_000042",), "test": ()}
    np.testing.assert_array_equal(dataset.read("2007_000033")[1], mask(10))
    assert dataset.notes == ("The list test.txt names only pictures without masks: it was left out.",)


def test_the_palette_is_that_of_the_development_kit() -> None:
    assert color_map()[[0, 1, 2, 15, 255]].tolist() == [
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
        [192, 128, 128],
        [224, 224, 192],
    ]


def test_masks_in_colours_are_read_by_their_colours(challenge: Path) -> None:
    Image.fromarray(color_map()[mask(10)]).save(challenge / "SegmentationClass" / "2007_000033.png")
    np.testing.assert_array_equal(open_dataset(challenge).read_mask("2007_000033"), mask(10))


def test_a_sorted_palette_is_read_by_its_colours(challenge: Path) -> None:
    """Some programs keep only the colours in use: index 1 may then be a cow."""
    drawn = Image.fromarray((mask(10) == 10).astype(np.uint8))
    drawn.putpalette([0, 0, 0, *color_map()[10].tolist()])
    drawn.save(challenge / "SegmentationClass" / "2007_000033.png")
    assert set(np.unique(open_dataset(challenge).read_mask("2007_000033"))) == {0, 10}


def test_a_label_map_names_labels_in_order(challenge: Path) -> None:
    (challenge / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:0,0,0::\nrust:9,8,7::\n")
    rgb = np.zeros((30, 40, 3), np.uint8)
    rgb[3:6] = (9, 8, 7)
    Image.fromarray(rgb).save(challenge / "SegmentationClass" / "2007_000033.png")
    dataset = open_dataset(challenge)
    assert [(label.index, label.name, label.is_defect) for label in dataset.labels] == [
        (0, "background", False),
        (1, "rust", True),
    ]
    assert (dataset.read_mask("2007_000033") == 1).sum() == 3 * 40


def test_without_lists_the_split_is_made(tmp_path: Path) -> None:
    path = write_drawn("voc", tmp_path / "set")
    for file in (path / "ImageSets" / "Segmentation").iterdir():
        file.unlink()
    dataset = open_dataset(path)
    assert dataset.given_splits is None
    assert sorted(name for names in dataset.splits.values() for name in names) == sorted(dataset.names())


class TestFaultsAreNamed:
    def fails(self, path: Path, pattern: str) -> None:
        def use() -> None:
            dataset = open_dataset(path)
            assert dataset.splits
            dataset.read("2007_000033")

        with pytest.raises(DatasetError, match=pattern):
            use()

    def test_a_listed_picture_without_mask(self, challenge: Path) -> None:
        (challenge / "ImageSets/Segmentation/train.txt").write_text("2007_000033\n2007_000099\n")
        self.fails(challenge, r"train\.txt, line 2: lists '2007_000099'")

    def test_a_name_that_climbs_out(self, challenge: Path) -> None:
        (challenge / "ImageSets/Segmentation/train.txt").write_text("../../secret\n")
        self.fails(challenge, r"train\.txt, line 1: expected a file name inside")

    def test_a_broken_label_map(self, challenge: Path) -> None:
        (challenge / "labelmap.txt").write_text("background:0,0,0::\nrust:9,8\n")
        self.fails(challenge, r"labelmap\.txt, line 2: expected “name:red,green,blue::”")

    def test_a_colour_of_no_label(self, challenge: Path) -> None:
        rgb = color_map()[mask(10)]
        rgb[7, 3] = (1, 2, 3)
        Image.fromarray(rgb).save(challenge / "SegmentationClass" / "2007_000033.png")
        self.fails(challenge, r"2007_000033\.png: has the colour 1,2,3 at x 3, y 7")

    def test_an_index_of_no_label(self, challenge: Path) -> None:
        Image.fromarray(mask(77)).save(challenge / "SegmentationClass" / "2007_000033.png")
        self.fails(challenge, r"2007_000033\.png: holds the value 77")

    def test_a_mask_without_picture(self, challenge: Path) -> None:
        (challenge / "JPEGImages" / "2007_000042.jpg").unlink()
        self.fails(challenge, r"2007_000042\.png: expected its picture in JPEGImages")

    def test_a_mask_of_another_size(self, challenge: Path) -> None:
        Image.fromarray(mask(10, width=41)).save(challenge / "SegmentationClass" / "2007_000033.png")
        self.fails(challenge, r"2007_000033\.png: expected 40×30 pixels as its picture has, found 41×30")
