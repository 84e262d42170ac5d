"""Which formats there are: found by looking, opened and written by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segmentation.datasets.cityscapes import CityscapesDataset
from segmentation.datasets.coco import CocoDataset
from segmentation.datasets.coco_files import coco_files, looks_panoptic
from segmentation.datasets.errors import DatasetError
from segmentation.datasets.folder import FolderDataset
from segmentation.datasets.format_writers import CityscapesWriter, CocoWriter, PanopticWriter, VocWriter
from segmentation.datasets.reader import LabelledDataset
from segmentation.datasets.voc import VocDataset
from segmentation.datasets.writer import DatasetWriter, FolderWriter
from segmentation.spec import LabelSpec

DEEPEST = 3
"""How many folders a data set may lie below the folder that was named: ZIPs often wrap it once or twice."""


@dataclass(frozen=True)
class Format:
    """`title` and `sentence` are for pages."""

    name: str
    title: str
    sentence: str
    writer: Callable[[Path, Sequence[LabelSpec]], DatasetWriter]


FORMATS: Mapping[str, Format] = {
    format_.name: format_
    for format_ in (
        Format(
            "folder",
            "Pixelwise folder",
            "A folder of images, a folder of masks of the same names, and a list of the labels.",
            FolderWriter,
        ),
        Format(
            "voc",
            "Pascal VOC",
            "JPEGImages and SegmentationClass, as CVAT, Label Studio and the VOC challenge write it.",
            VocWriter,
        ),
        Format(
            "coco",
            "COCO instances",
            "Images and a JSON file of outlines, as COCO, Roboflow and most annotation programs write it.",
            CocoWriter,
        ),
        Format(
            "coco-panoptic",
            "COCO panoptic",
            "Images, a PNG of numbered segments for each, and a JSON file that says what they are.",
            PanopticWriter,
        ),
        Format(
            "cityscapes",
            "Cityscapes",
            "leftImg8bit and gtFine, as the street scenes of Cityscapes come.",
            CityscapesWriter,
        ),
    )
}


def detect_format(path: str | Path) -> str:
    """The format of the data set at `path` or up to three folders below it. DatasetError where there is none."""
    return _found(Path(path))[0]


def open_dataset(path: str | Path, *, format: str | None = None, cityscapes_classes: int = 19) -> LabelledDataset:
    """A reader of the data set at `path`, whatever its format, or of the format named.

    `cityscapes_classes`: 19, the training classes, or 30. DatasetError names the file at fault.
    """
    if format is not None and format not in FORMATS:
        raise DatasetError(f"expected a format among {', '.join(FORMATS)}, got {format!r}")
    found, place = _found(Path(path), format)
    if found == "folder":
        return FolderDataset(place)
    if found == "voc":
        return VocDataset(place)
    if found == "cityscapes":
        return CityscapesDataset(place, cityscapes_classes)
    kind = "panoptic_" if found == "coco-panoptic" else "instances_"
    return CocoDataset(place if place.is_dir() else place.parent, coco_files(place, kind=kind) or coco_files(place))


def open_writer(format: str, path: str | Path, labels: Sequence[LabelSpec]) -> DatasetWriter:
    """A writer of that format into an empty folder."""
    if format not in FORMATS:
        raise DatasetError(f"expected a format among {', '.join(FORMATS)}, got {format!r}")
    return FORMATS[format].writer(Path(path), labels)


def write_dataset(
    format: str,
    path: str | Path,
    dataset: LabelledDataset,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> None:
    """Copy a data set into an empty folder in another format, picture by picture, with its splits."""
    total = sum(len(names) for names in dataset.splits.values())
    done = 0
    with open_writer(format, path, dataset.labels) as writer:
        for split, names in dataset.splits.items():
            for name in names:
                source = dataset.image_path(name)
                _, mask = dataset.read(name)
                writer.add(name, source.read_bytes(), mask, split=split, ending=source.suffix.lower())
                done += 1
                progress(done, total)


def _found(path: Path, wanted: str | None = None) -> tuple[str, Path]:
    """Format and folder: the topmost that fits, by name where several do."""
    if not path.exists():
        raise DatasetError(f"{path}: expected a data set, there is nothing")
    level = [path]
    for _ in range(DEEPEST + 1):
        for place in level:
            found = _format_of(place)
            if wanted == "coco-panoptic" and coco_files(place, kind="panoptic_"):
                found = wanted
            if found is not None and wanted in (None, found):
                return found, place
        level = [inner for place in level if place.is_dir() for inner in sorted(place.iterdir()) if inner.is_dir()]
    what = f"a data set in the form “{wanted}”" if wanted else "a data set"
    raise DatasetError(
        f"{path}: expected {what}: {', '.join(FORMATS)}. Found none of them: no folders images and masks with"
        " classes.json, no JPEGImages with SegmentationClass, no COCO JSON file, no leftImg8bit with gtFine"
    )


def _format_of(place: Path) -> str | None:
    def has(*names: str) -> bool:
        return all((place / name).exists() for name in names)

    if has("images", "masks"):
        return "folder"
    if has("JPEGImages", "SegmentationClass"):
        return "voc"
    if has("leftImg8bit", "gtFine"):
        return "cityscapes"
    files = coco_files(place)
    return None if not files else "coco-panoptic" if looks_panoptic(files[0]) else "coco"
