"""Which rows docs/models.md has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from segmentation.augment import Augmentation

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Row:
    """One training and its scores. `minutes` are CPU minutes, on a GPU minutes of the wall clock.

    `encoder` and `options` None: the architecture's own; `settings` are those of TrainSettings that differ from the
    defaults; `scale` and `evens_light` as in ModelSpec.
    """

    dataset: str
    architecture: str
    minutes: float
    encoder: str | None = None
    options: Mapping[str, Any] | None = None
    scale: float = 1.0
    evens_light: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"

    @property
    def name(self) -> str:
        """Unique among the rows and unchanged by their order."""
        where = "" if self.device == "cpu" else f" on {self.device}"
        return f"{self.dataset} {self.architecture} {self.minutes:g} min{where}"


FAMILIES = (
    "linknet-light",
    "unet",
    "unet-light",
    "fcn-8s",
    "segnet",
    "deeplabv3plus",
    "segformer",
    "segmenter-mask",
    "unet-hybrid",
    "lraspp",
    "unetplusplus",
    "fpn",
    "linknet",
    "manet",
    "pan",
    "upernet",
    "pspnet",
    "deeplabv3",
    "fcn-16s",
    "fcn-32s",
    "segmenter-linear",
    "dpt",
    "random-forest",
    "linear-svm",
    "rbf-svm",
)

# Found on the validation split of the magnetic tiles; see the notes below docs/models.md.
TILE: Mapping[str, Any] = {
    "crop_px": 128,
    "chunk_size": 16,
    "mirrored_views": True,
    "augmentation": Augmentation(brightness=0.12, contrast=0.2, paste_chance=0.25),
}
CRACK: Mapping[str, Any] = {**TILE, "crop_px": 192, "chunk_size": 8, "rare_share": 0.6}
STREET: Mapping[str, Any] = {
    **TILE,
    "crop_px": 160,
    "chunk_size": 8,
    "weight_power": 0.25,
    "rare_share": 0.3,
    "augmentation": Augmentation(mirror_vertically=False, paste_chance=0.0),
}


def _tile(architecture: str, minutes: float) -> Row:
    return Row("magnetic-tile", architecture, minutes, scale=0.5, evens_light=True, settings=TILE)


def _crack(architecture: str, minutes: float) -> Row:
    return Row("uav-crack", architecture, minutes, settings=CRACK)


def _street(architecture: str, minutes: float) -> Row:
    return Row("camvid", architecture, minutes, scale=0.5, settings=STREET)


ROWS: tuple[Row, ...] = (
    _tile("linknet-light", 45),
    _street("linknet-light", 25),
    _crack("linknet-light", 15),
    *(_tile(architecture, 15) for architecture in FAMILIES),
    *(make(architecture, 60) for make in (_tile, _crack, _street) for architecture in ("linknet-light", "unet-light")),
)
