"""Every format of labelled data: what one writes it reads again, and is found by looking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segmentation.datasets import FORMATS, DatasetError, detect_format, open_dataset, open_writer, write_dataset
from segmentation.pairs import PairError, refuse_held_out
from tests.segmentation.drawings import encoded
from tests.segmentation.labelled import DRAWN, LABELS, NAMES, mask, named, picture, write_drawn


@pytest.mark.parametrize("format_", FORMATS)
class TestRoundTrip:
    def test_pictures_masks_labels_and_splits_come_back(self, tmp_path: Path, format_: str) -> None:
        write_drawn(format_, tmp_path / "set")
        assert detect_format(tmp_path / "set") == format_
        dataset = open_dataset(tmp_path / "set")
        assert dataset.format == format_
        assert [(label.name, label.color, label.is_defect) for label in dataset.labels] == [
            (label.name, label.color, label.is_defect) for label in LABELS
        ]
        assert {split: set(names) for split, names in dataset.splits.items()} == {
            split: set(names) for split, names in NAMES.items()
        }
        assert set(dataset.names()) == set(DRAWN)
        for name, labels in DRAWN.items():
            rgb, truth = dataset.read(name)
            np.testing.assert_array_equal(rgb, picture(len(name)))
            np.testing.assert_array_equal(named(truth, dataset.labels), named(mask(*labels), LABELS))

    def test_is_found_below_a_wrapping_folder(self, tmp_path: Path, format_: str) -> None:
        write_drawn(format_, tmp_path / "export" / "parts")
        assert detect_format(tmp_path) == format_
        assert len(open_dataset(tmp_path, format=format_).names()) == 4

    def test_one_form_becomes_the_other(self, tmp_path: Path, format_: str) -> None:
        write_drawn("folder", tmp_path / "from")
        told: list[tuple[int, int]] = []
        write_dataset(format_, tmp_path / "to", open_dataset(tmp_path / "from"), lambda *done: told.append(done))
        source, copy = open_dataset(tmp_path / "from"), open_dataset(tmp_path / "to")
        assert told[-1] == (4, 4)
        for name in source.names():
            np.testing.assert_array_equal(
                named(copy.read_mask(name), copy.labels), named(source.read_mask(name), source.labels)
            )

    def test_without_a_background_nothing_is_added(self, tmp_path: Path, format_: str) -> None:
        with open_writer(format_, tmp_path / "set", LABELS[1:]) as writer:
            drawn = np.full((30, 40), 4, np.uint8)
            drawn[3:9] = 1
            writer.add("one", picture(1), drawn, split="train")
        dataset = open_dataset(tmp_path / "set")
        assert [label.name for label in dataset.labels] == ["crack", "stamp"]
        np.testing.assert_array_equal(named(dataset.read_mask("one"), dataset.labels), named(drawn, LABELS))

    def test_test_pictures_are_marked_and_training_refuses_them(self, tmp_path: Path, format_: str) -> None:
        dataset = open_dataset(write_drawn(format_, tmp_path / "set"))
        refuse_held_out([*dataset.pairs("train"), *dataset.pairs("val")])
        with pytest.raises(PairError, match="four belongs to the test split, which is locked"):
            refuse_held_out(dataset.pairs("test"))
        with pytest.raises(PairError, match="locked"):
            refuse_held_out(dataset.pairs())

    def test_equal_sets_have_equal_sums(self, tmp_path: Path, format_: str) -> None:
        first = open_dataset(write_drawn(format_, tmp_path / "a")).checksum()
        assert first == open_dataset(write_drawn(format_, tmp_path / "b")).checksum()

    def test_a_writer_refuses_a_folder_in_use(self, tmp_path: Path, format_: str) -> None:
        write_drawn(format_, tmp_path / "set")
        with pytest.raises(DatasetError, match="there is a data set in it already"):
            open_writer(format_, tmp_path / "set", LABELS)


JPEG = encoded(picture(3), "JPEG")


def test_what_is_no_data_set_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DatasetError, match="folder, voc, coco, coco-panoptic, cityscapes"):
        detect_format(tmp_path)
    with pytest.raises(DatasetError, match="there is nothing"):
        detect_format(tmp_path / "ghost")
    with pytest.raises(DatasetError, match="expected a format among"):
        open_dataset(tmp_path, format="yolo")
    with pytest.raises(DatasetError, match="in the form “voc”"):
        open_dataset(write_drawn("folder", tmp_path / "set"), format="voc")


def test_jpegs_stay_as_they_are_but_in_cityscapes(tmp_path: Path) -> None:
    from_jpeg = {}
    for format_ in FORMATS:
        with open_writer(format_, tmp_path / format_, LABELS) as writer:
            writer.add("one", JPEG, mask(1), split="train", ending=".jpg")
        from_jpeg[format_] = open_dataset(tmp_path / format_).image_path("one")
    assert {format_: path.suffix for format_, path in from_jpeg.items()} == {
        **dict.fromkeys(FORMATS, ".jpg"),
        "cityscapes": ".png",
    }
    assert from_jpeg["voc"].read_bytes() == JPEG
