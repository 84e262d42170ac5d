"""The Cityscapes labels: id, name, training index, colour. Cordts et al., "The Cityscapes Dataset", 2016; labels.py
of cityscapesScripts (MIT)."""

from __future__ import annotations

from dataclasses import dataclass

from segmentation.spec import IGNORE_INDEX, LabelSpec


@dataclass(frozen=True)
class CityscapesLabel:
    """`id` is the value in labelIds PNGs; `train_index` 0–18 of the 19 evaluated classes, None for the others."""

    id: int
    name: str
    train_index: int | None
    color: str


def _label(id_: int, name: str, train_index: int | None, *rgb: int) -> CityscapesLabel:
    return CityscapesLabel(id_, name, train_index, "#{:02x}{:02x}{:02x}".format(*rgb))


ALL_LABELS = (
    _label(0, "unlabeled", None, 0, 0, 0),
    _label(1, "ego vehicle", None, 0, 0, 0),
    _label(2, "rectification border", None, 0, 0, 0),
    _label(3, "out of roi", None, 0, 0, 0),
    _label(4, "static", None, 0, 0, 0),
    _label(5, "dynamic", None, 111, 74, 0),
    _label(6, "ground", None, 81, 0, 81),
    _label(7, "road", 0, 128, 64, 128),
    _label(8, "sidewalk", 1, 244, 35, 232),
    _label(9, "parking", None, 250, 170, 160),
    _label(10, "rail track", None, 230, 150, 140),
    _label(11, "building", 2, 70, 70, 70),
    _label(12, "wall", 3, 102, 102, 156),
    _label(13, "fence", 4, 190, 153, 153),
    _label(14, "guard rail", None, 180, 165, 180),
    _label(15, "bridge", None, 150, 100, 100),
    _label(16, "tunnel", None, 150, 120, 90),
    _label(17, "pole", 5, 153, 153, 153),
    _label(18, "polegroup", None, 153, 153, 153),
    _label(19, "traffic light", 6, 250, 170, 30),
    _label(20, "traffic sign", 7, 220, 220, 0),
    _label(21, "vegetation", 8, 107, 142, 35),
    _label(22, "terrain", 9, 152, 251, 152),
    _label(23, "sky", 10, 70, 130, 180),
    _label(24, "person", 11, 220, 20, 60),
    _label(25, "rider", 12, 255, 0, 0),
    _label(26, "car", 13, 0, 0, 142),
    _label(27, "truck", 14, 0, 0, 70),
    _label(28, "bus", 15, 0, 60, 100),
    _label(29, "caravan", None, 0, 0, 90),
    _label(30, "trailer", None, 0, 0, 110),
    _label(31, "train", 16, 0, 80, 100),
    _label(32, "motorcycle", 17, 0, 0, 230),
    _label(33, "bicycle", 18, 119, 11, 32),
)
FIRST_OF_30 = 4
"""The 30 classes of the paper are the ids from 4 on: what is below says where nothing was labelled."""


def labels_of(classes: int) -> tuple[tuple[LabelSpec, ...], dict[int, int]]:
    """Labels of the 19-class training mapping or of all 30 classes, and the index of each id; other ids are 255.

    The 19 keep their training indices; the 30 are numbered by ascending id.
    """
    if classes not in (19, 30):
        raise ValueError(f"Cityscapes has 19 training classes or 30 classes, not {classes}")
    indices = {
        label.id: (label.train_index if classes == 19 else label.id - FIRST_OF_30)
        for label in ALL_LABELS
        if (label.train_index is not None if classes == 19 else label.id >= FIRST_OF_30)
    }
    known = {label.id: label for label in ALL_LABELS}
    labels = [LabelSpec(index or 0, known[id_].name, known[id_].color) for id_, index in indices.items()]
    table = {label.id: indices.get(label.id, IGNORE_INDEX) for label in ALL_LABELS}
    return tuple(sorted(labels, key=lambda label: label.index)), {
        id_: IGNORE_INDEX if index is None else index for id_, index in table.items()
    }
