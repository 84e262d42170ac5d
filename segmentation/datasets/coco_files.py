"""One COCO JSON file: which pictures it lists, where they lie, and what is drawn on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segmentation.datasets.errors import DatasetError
from segmentation.datasets.labels import read_json
from segmentation.datasets.reader import inner_path, without_ending

_PEEK_BYTES = 1 << 16
_KEYS = (b'"images"', b'"annotations"', b'"categories"')
_BAD_ENTRY = (TypeError, KeyError, ValueError, OverflowError)
_MOST_PIXELS = 400_000_000
_SPLIT_WORDS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


@dataclass
class Placed:
    """A listed picture. `shapes`: (place in the list, annotation) of instances; `segments`: its panoptic PNG."""

    name: str
    picture: Path
    height: int
    width: int
    shapes: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    segments: Path | None = None


class CocoFile:
    """`placed` in the file's order; pictures that are listed but not there are only counted in `lost_count`."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        content = read_json(path)
        lists = [content.get(key) if isinstance(content, dict) else None for key in ("images", "annotations")]
        if not all(isinstance(rows, list) for rows in lists):
            raise DatasetError(f'{path}: expected {{"images": […], "annotations": […], "categories": […]}}')
        images, annotations = lists[0] or [], lists[1] or []
        self.categories = _categories(path, content.get("categories"))
        self.is_panoptic = any(isinstance(row, dict) and "segments_info" in row for row in annotations[:1])
        self._folders = _picture_folders(path, root)
        if self.is_panoptic:
            self._folders = [folder for folder in self._folders if folder != path.with_suffix("")]
        self.lost_count = 0
        pictures = self._pictures(images)
        for place, row in enumerate(annotations):
            self._attach(pictures, place, row)
        self.placed = [
            placed for placed in pictures.values() if placed is not None and (not self.is_panoptic or placed.segments)
        ]

    def _pictures(self, images: list[Any]) -> dict[Any, Placed | None]:
        pictures: dict[Any, Placed | None] = {}
        for place, row in enumerate(images):
            where = f"{self.path}: images[{place}]"
            try:
                key, file_name = row["id"], inner_path(row["file_name"], where)
                height, width = int(row["height"]), int(row["width"])
                hash(key)
            except _BAD_ENTRY as error:
                if isinstance(error, DatasetError):
                    raise
                raise DatasetError(f'{where}: expected {{"id", "file_name", "width", "height"}}: {error!r}') from error
            if min(height, width) < 1 or height * width > _MOST_PIXELS:
                raise DatasetError(f"{where}: expected the size of a picture, found {width}×{height}")
            if key in pictures:
                raise DatasetError(f"{where}: the id {key!r} stands in the list twice; expected it once")
            found = _first_file(folder / file_name for folder in self._folders)
            if found is None:
                self.lost_count += 1
            name = without_ending(file_name.as_posix())
            pictures[key] = None if found is None else Placed(name, found, height, width)
        return pictures

    def _attach(self, pictures: dict[Any, Placed | None], place: int, row: Any) -> None:
        where = f"{self.path}: annotations[{place}]"
        image_id = row.get("image_id") if isinstance(row, dict) else row
        if not isinstance(row, dict) or isinstance(image_id, list | dict) or image_id not in pictures:
            raise DatasetError(f"{where}: expected the id of a listed picture as image_id, found {image_id!r}")
        placed = pictures[image_id]
        if placed is None:
            return
        if not self.is_panoptic:
            placed.shapes.append((place, row))
            return
        if not isinstance(row.get("segments_info"), list):
            raise DatasetError(f'{where}: expected "segments_info": [{{"id", "category_id"}}, …]')
        name = inner_path(row.get("file_name"), where)
        folders = [self.path.with_suffix(""), *self._folders]
        placed.segments = _first_file(folder / name for folder in folders if folder / name != placed.picture)
        placed.shapes = [(place, row)]
        if placed.segments is None:
            raise DatasetError(f"{where}: names {name}, which is not in {folders[0]} nor beside the pictures")


def coco_files(path: Path, kind: str | None = None) -> tuple[Path, ...]:
    """The annotation files of a data set: the file itself, or those in the folder, its annotations/ or its splits'.

    `kind`: only files whose name begins so. Else, where instances and other kinds lie together (captions,
    keypoints), instances are taken, then panoptic.
    """
    if path.is_file():
        return (path,) if _looks_like_coco(path) and path.name.startswith(kind or "") else ()
    places = [path / "annotations", path, *(path / word for word in _SPLIT_WORDS)]
    found = [file for place in places if place.is_dir() for file in sorted(place.glob("*.json")) if file.is_file()]
    files = [file for file in found if _looks_like_coco(file)]
    for prefix in (kind,) if kind else ("instances_", "panoptic_"):
        of_kind = tuple(file for file in files if file.name.startswith(prefix))
        if of_kind or kind:
            return of_kind
    return tuple(file for file in files if not file.name.startswith(("captions", "person_keypoints", "image_info")))


def looks_panoptic(path: Path) -> bool:
    """By its ends, without reading all of it."""
    return b'"segments_info"' in _ends(path)


def split_of(file: Path, root: Path) -> str | None:
    """The split that a file's name or folder names."""
    inside = file.relative_to(root).with_suffix("").as_posix() if file.is_relative_to(root) else file.stem
    words = "".join(letter if letter.isalpha() else " " for letter in inside.lower()).split()
    return next((_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS), None)


def _looks_like_coco(path: Path) -> bool:
    ends = _ends(path)
    return ends.lstrip().startswith(b"{") and sum(key in ends for key in _KEYS) >= 2


def _ends(path: Path) -> bytes:
    """The first and last 64 KB: these files can have hundreds of megabytes."""
    with path.open("rb") as file:
        head = file.read(_PEEK_BYTES)
        file.seek(max(0, path.stat().st_size - _PEEK_BYTES))
        return head + file.read(_PEEK_BYTES)


def _categories(path: Path, rows: Any) -> dict[int, str]:
    if not isinstance(rows, list) or not rows:
        raise DatasetError(f'{path}: expected "categories": [{{"id", "name"}}, …]')
    names: dict[int, str] = {}
    for place, row in enumerate(rows):
        try:
            number, name = int(row["id"]), str(row["name"]).strip()
        except _BAD_ENTRY as error:
            raise DatasetError(f'{path}: categories[{place}]: expected {{"id", "name"}}: {error!r}') from error
        if number in names or not name:
            raise DatasetError(f"{path}: categories[{place}]: expected an id of its own and a name, found {row}")
        names[number] = name
    return names


def _picture_folders(path: Path, root: Path) -> list[Path]:
    """Where the pictures of an annotation file may lie, the likeliest first."""
    word = path.stem.rpartition("_")[2]
    names = dict.fromkeys([path.stem, word, split_of(path, root) or word])
    tops = [path.parent, root, path.parent.parent] if path.parent != root else [root, root.parent]
    folders = [top / inner / name for top in tops for inner in ("images", "") for name in names]
    folders += [top / inner for top in tops for inner in ("images", "JPEGImages", "")]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _first_file(candidates: Iterable[Path]) -> Path | None:
    return next((candidate for candidate in candidates if candidate.is_file()), None)
