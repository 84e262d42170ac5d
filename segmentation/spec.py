"""What a model is, apart from its weights: saved as `model.json` beside `model.safetensors`."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

IGNORE_INDEX = 255
MAX_LABELS = 255
_HEX_COLOR = re.compile("#[0-9a-fA-F]{6}")
MIRRORS = ("horizontally", "vertically")


@dataclass(frozen=True)
class LabelSpec:
    """One label a model tells apart. `index` is its value in a mask, 0–254; `color` is `#rrggbb`.

    `min_region_px` is this label's own operating point; None = the model's.
    """

    index: int
    name: str
    color: str
    is_defect: bool = False
    min_region_px: int | None = None

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, 0–255."""
        return (int(self.color[1:3], 16), int(self.color[3:5], 16), int(self.color[5:7], 16))


@dataclass(frozen=True)
class ModelSpec:
    """Everything needed to rebuild a network and feed it as it was fed in training.

    `mean` and `std` have one value per channel (1, 3, 4 or more), in the 0–255 units of the picture:
    tensor = (pixel - mean) / std. A model of one channel sees the picture's grey values.
    `scale` (above 0, up to 1): the network sees every picture at this share of its size, its mask is scaled back.
    `max_side_px`: a picture whose longer side is still longer is scaled down to it; None sets no limit.
    `evens_light`: each picture's own brightness and contrast are taken out before the network, colour with them.
    `tile_px`: pictures larger than this after scaling are cut into overlapping tiles. `min_region_px` is the
    operating point chosen on validation: a picture is defective when one region of a defect label has at least that
    many pixels (of the original picture). `defect_offset` is added to the logits of all defect labels: below 0 fewer
    pixels are marked (see `segmentation.judging.defect_offset`). `mirrors`: the network also sees every picture
    mirrored in these directions, of `MIRRORS`, and its logits are averaged: two or four times the work.
    `temperature` divides the logits before the softmax, so that a confidence of 0.9 is right nine times in ten.
    """

    architecture: str
    labels: tuple[LabelSpec, ...]
    encoder: str | None = None
    mean: tuple[float, ...] = (123.675, 116.28, 103.53)
    std: tuple[float, ...] = (58.395, 57.12, 57.375)
    scale: float = 1.0
    max_side_px: int | None = None
    evens_light: bool = False
    tile_px: int = 1024
    min_region_px: int = 1
    defect_offset: float = 0.0
    mirrors: tuple[str, ...] = ()
    temperature: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= len(self.labels) <= MAX_LABELS:
            raise ValueError(f"a model has 1 to {MAX_LABELS} labels, this spec has {len(self.labels)}")
        expected = list(range(len(self.labels)))
        found = [label.index for label in self.labels]
        if found != expected:
            raise ValueError(f"label indices must be {expected} in order, this spec has {found}")
        if len(self.mean) != len(self.std) or not self.mean:
            raise ValueError(f"mean and std need one value per channel, got {len(self.mean)} and {len(self.std)}")
        if not 0 < self.scale <= 1:
            raise ValueError(f"scale must be above 0 and at most 1, got {self.scale}")
        if not math.isfinite(self.defect_offset):
            raise ValueError(f"the offset of defect labels must be a number, got {self.defect_offset}")
        if not set(self.mirrors) <= set(MIRRORS):
            raise ValueError(f"pictures can be mirrored in the directions {', '.join(MIRRORS)}, not {self.mirrors}")
        if not self.temperature > 0:
            raise ValueError(f"temperature must be above 0, got {self.temperature}")

    @property
    def channels(self) -> int:
        """How many channels the network takes."""
        return len(self.mean)

    @property
    def defect_indices(self) -> frozenset[int]:
        return frozenset(label.index for label in self.labels if label.is_defect)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """Rebuild a spec. ValueError where the text is not a model.json."""
        try:
            values = json.loads(text)
            values["labels"] = tuple(LabelSpec(**label) for label in values["labels"])
            for label in values["labels"]:
                if not isinstance(label.name, str) or not _HEX_COLOR.fullmatch(label.color):
                    raise ValueError(f"a label has a name and a color like #d55e00, found {label}")
            for name in ("mean", "std", "mirrors"):
                if name in values:
                    values[name] = tuple(values[name])
            return cls(**values)
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"not a model.json as Pixelwise writes it: {error!r}") from error
