"""The folder form of a labelled data set: read, written, split, and every fault named with its file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.datasets.errors import DatasetError
from segmentation.datasets.folder import FolderDataset
from segmentation.datasets.likeness import groups_of_alike, signature
from segmentation.datasets.splits import split_by_groups
from segmentation.datasets.writer import FolderWriter
from segmentation.spec import LabelSpec

LABELS = (
    LabelSpec(0, "background", "#9AA3AD"),
    LabelSpec(1, "crack", "#D55E00", is_defect=True),
    LabelSpec(4, "stamp", "#56B4E9"),
)


def picture(seed: int, width: int = 40, height: int = 30) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def mask(label: int = 1, width: int = 40, height: int = 30) -> np.ndarray:
    drawn = np.zeros((height, width), np.uint8)
    drawn[5:9, 10:20] = label
    drawn[0, 0] = 255
    return drawn


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, one per split."""
    with FolderWriter(tmp_path / "set", LABELS) as writer:
        writer.add("one", picture(1), mask(1), split="train")
        writer.add("line 2/two", picture(2), mask(4), split="val")
        writer.add("three", picture(3), mask(0), split="test")
    return tmp_path / "set"


def test_what_was_written_is_read(folder: Path) -> None:
    dataset = FolderDataset(folder)
    assert dataset.labels == LABELS
    assert dataset.names() == ("line 2/two", "one", "three")
    assert [dataset.names(split) for split in ("train", "val", "test")] == [("one",), ("line 2/two",), ("three",)]
    assert dataset.image_path("one") == folder / "images" / "one.png"
    assert dataset.mask_path("line 2/two") == folder / "masks" / "line 2" / "two.png"
    rgb, truth = dataset.read("one")
    np.testing.assert_array_equal(rgb, picture(1))
    np.testing.assert_array_equal(truth, mask(1))


def test_names_in_splits_may_carry_an_ending(folder: Path) -> None:
    listed = {"train": ["one.png", "three.png"], "val": ["line 2/two.jpg"]}
    (folder / "splits.json").write_text(json.dumps(listed))
    dataset = FolderDataset(folder)
    assert dataset.names("train") == ("one", "three")
    assert dataset.names("val") == ("line 2/two",)
    assert dataset.names("test") == ()
    assert dataset.image_path("one.jpg") == folder / "images" / "one.png"


def test_pairs_map_labels_to_a_model(folder: Path) -> None:
    to_model = np.arange(256, dtype=np.uint8)
    to_model[4] = 2
    [pair] = FolderDataset(folder).pairs("val", to_model)
    rgb, truth = pair.read()
    assert pair.name == "line 2/two"
    assert rgb.shape == (30, 40, 3)
    assert set(np.unique(truth)) == {0, 2, 255}


def test_without_label_details_the_clean_label_is_known_by_name(tmp_path: Path) -> None:
    def labels(classes: dict[str, str]) -> list[tuple[int, str, bool]]:
        path = tmp_path / "-".join(classes.values())
        with FolderWriter(path, LABELS[:1]) as writer:
            writer.add("one", picture(1), mask(0), split="train")
        (path / "labels.json").unlink()
        (path / "classes.json").write_text(json.dumps(classes))
        found = FolderDataset(path).labels
        assert len({label.color for label in found}) == len(found)
        return [(label.index, label.name, label.is_defect) for label in found]

    assert labels({"1": "crack", "0": "Background"}) == [(0, "Background", False), (1, "crack", True)]
    assert labels({"0": "sky", "7": "road"}) == [(0, "sky", False), (7, "road", False)]


def test_checksum_follows_content_not_place(folder: Path, tmp_path: Path) -> None:
    copy = folder.rename(tmp_path / "elsewhere")
    before = FolderDataset(copy).checksum()
    assert before == FolderDataset(copy).checksum()
    changed = mask(1)
    changed[20, 20] = 1
    Image.fromarray(changed).save(copy / "masks" / "one.png")
    assert FolderDataset(copy).checksum() != before


def fails(folder: Path, pattern: str, *, read: str | None = None) -> None:
    def use() -> None:
        dataset = FolderDataset(folder)
        assert dataset.splits
        dataset.read(read or "one")

    with pytest.raises(DatasetError, match=pattern):
        use()


class TestFaultsAreNamed:
    def test_no_folder(self, tmp_path: Path) -> None:
        fails(tmp_path, "expected a folder 'images'")

    def test_no_classes(self, folder: Path) -> None:
        (folder / "classes.json").unlink()
        fails(folder, r"classes\.json: expected .* there is no such file")

    @pytest.mark.parametrize("content", ["[]", "{}", '{"background": 0}', '{"255": "x"}', '{"0": 3}', "{"])
    def test_broken_classes(self, folder: Path, content: str) -> None:
        (folder / "classes.json").write_text(content)
        fails(folder, r"classes\.json: expected")

    def test_broken_label_details(self, folder: Path) -> None:
        (folder / "labels.json").write_text('[{"index": 0}]')
        fails(folder, r"labels\.json: expected a list")

    def test_no_pictures(self, folder: Path) -> None:
        for path in (folder / "images").rglob("*.png"):
            path.unlink()
        fails(folder, "images: expected pictures, found none")

    def test_missing_mask(self, folder: Path) -> None:
        (folder / "masks" / "three.png").unlink()
        fails(folder, r"three\.png: expected a mask for every picture, 1 of 3 have none")

    def test_value_that_is_no_label(self, folder: Path) -> None:
        Image.fromarray(mask(9)).save(folder / "masks" / "one.png")
        fails(folder, r"one\.png: holds the value 9, expected one of classes\.json \(0, 1, 4\) or 255")

    def test_mask_of_another_size(self, folder: Path) -> None:
        Image.fromarray(mask(1, width=41)).save(folder / "masks" / "one.png")
        fails(folder, r"one\.png: expected 40×30 pixels as its picture has, found 41×30")

    def test_broken_picture(self, folder: Path) -> None:
        (folder / "images" / "one.png").write_bytes(b"not a picture")
        fails(folder, r"images.one\.png ")

    def test_colourful_mask(self, folder: Path) -> None:
        Image.fromarray(picture(1)).save(folder / "masks" / "one.png")
        fails(folder, r"masks.one\.png .*mask")

    def test_split_lists_what_is_not_there(self, folder: Path) -> None:
        (folder / "splits.json").write_text('{"train": ["ghost"]}')
        fails(folder, r"splits\.json: lists 'ghost'")

    def test_split_lists_one_picture_twice(self, folder: Path) -> None:
        (folder / "splits.json").write_text('{"train": ["one"], "test": ["one.png"]}')
        fails(folder, r"splits\.json: 'one' is in 'train' and in 'test'")

    def test_split_of_another_shape(self, folder: Path) -> None:
        (folder / "splits.json").write_text('["one"]')
        fails(folder, r"splits\.json: expected")

    def test_unknown_split_and_name(self, folder: Path) -> None:
        with pytest.raises(DatasetError, match="expected a split among train, val, test, got 'dev'"):
            FolderDataset(folder).names("dev")
        fails(folder, "expected a picture named 'ghost'", read="ghost")

    def test_two_pictures_of_one_name(self, folder: Path) -> None:
        Image.fromarray(picture(1)).save(folder / "images" / "one.jpg")
        fails(folder, "expected one picture named 'one'")


class TestWriterRefuses:
    def test_a_folder_in_use(self, folder: Path) -> None:
        with pytest.raises(DatasetError, match="there is a data set in it already"):
            FolderWriter(folder, LABELS)

    @pytest.mark.parametrize("name", ["", "../up", "/root", "a\\b", "a/../../b"])
    def test_unsafe_names(self, tmp_path: Path, name: str) -> None:
        writer = FolderWriter(tmp_path / "new", LABELS)
        with pytest.raises(DatasetError, match="expected a name"):
            writer.add(name, picture(1), mask(), split="train")

    def test_what_does_not_fit(self, tmp_path: Path) -> None:
        writer = FolderWriter(tmp_path / "new", LABELS)
        writer.add("one", picture(1), mask(), split="train")
        with pytest.raises(DatasetError, match="expected each name once"):
            writer.add("one", picture(1), mask(), split="train")
        with pytest.raises(DatasetError, match="mask holds 9"):
            writer.add("two", picture(1), mask(9), split="train")
        with pytest.raises(DatasetError, match="differ in size"):
            writer.add("two", picture(1), mask(width=8 * 5 + 1), split="train")
        with pytest.raises(DatasetError, match="expected a split among"):
            writer.add("two", picture(1), mask(), split="dev")

    def test_bytes_are_stored_as_they_are(self, tmp_path: Path) -> None:
        with FolderWriter(tmp_path / "new", LABELS) as writer:
            writer.add("one", b"any bytes", mask(), split="train", ending=".jpg")
        assert (tmp_path / "new" / "images" / "one.jpg").read_bytes() == b"any bytes"


class TestSplitWhereThereIsNone:
    def smooth(self, seed: int) -> np.ndarray:
        coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3)).astype(np.uint8)
        return np.asarray(Image.fromarray(coarse).resize((60, 48), Image.Resampling.BICUBIC))

    def test_exposures_of_one_part_stay_together(self, tmp_path: Path) -> None:
        """Twelve parts, each photographed bright and dark: no part may be in two splits."""
        with FolderWriter(tmp_path / "set", LABELS) as writer:
            for part in range(12):
                rgb = self.smooth(part)
                for exposure, factor in enumerate((1.0, 0.6)):
                    dimmed = (rgb * factor).astype(np.uint8)
                    label = 1 if part % 3 == 0 else 0
                    writer.add(f"{exposure}-{part}", dimmed, mask(label, 60, 48), split="train")
        (tmp_path / "set" / "splits.json").unlink()
        splits = FolderDataset(tmp_path / "set").splits
        assert sorted(name for names in splits.values() for name in names) == sorted(
            f"{exposure}-{part}" for part in range(12) for exposure in range(2)
        )
        parts = {split: {name.split("-")[1] for name in names} for split, names in splits.items()}
        assert all(parts.values())
        assert not parts["train"] & parts["val"]
        assert not parts["train"] & parts["test"]
        assert not parts["val"] & parts["test"]
        for split, names in splits.items():
            assert any(int(name.split("-")[1]) % 3 == 0 for name in names), f"no crack in {split}"
        assert splits == FolderDataset(tmp_path / "set").splits

    def test_shares_of_a_large_set(self) -> None:
        names = [f"{number:03}" for number in range(200)]
        labels = [frozenset({0, 1}) if number < 20 else frozenset({0}) for number in range(200)]
        splits = split_by_groups(names, range(200), labels)
        assert [len(splits[split]) for split in ("train", "val", "test")] == [140, 30, 30]
        assert [sum(int(name) < 20 for name in splits[split]) for split in ("train", "val", "test")] == [14, 3, 3]

    def test_plain_surfaces_are_not_lumped_into_one_group(self) -> None:
        """All alike but for a little noise: the bar rises until they fall apart."""
        rng = np.random.default_rng(1)
        ramp = np.linspace(0, 255, 60)[None, :, None]
        pictures = [
            np.clip(ramp + rng.normal(0, 25, (48, 60, 1)), 0, 255).repeat(3, axis=2).astype(np.uint8) for _ in range(30)
        ]
        groups = groups_of_alike(np.array([signature(rgb) for rgb in pictures]))
        assert np.bincount(groups).max() <= 6
