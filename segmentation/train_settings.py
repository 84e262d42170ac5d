"""How to train: what a caller may choose. Without torch, so that whoever only asks need not load it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from segmentation.augment import Augmentation
from segmentation.spec import MIRRORS

DEFAULT_EPOCHS = 40
DEFAULT_MEMORY_BYTES = 3 * 1024**3


@dataclass(frozen=True)
class TrainSettings:
    """How to train. At most one of `epochs`, `minutes` and `cpu_minutes` sets the length; none means 40 epochs.

    `minutes`: wall clock, validation included. `cpu_minutes`: processor time of this process, all its threads
    added up, so that a busy machine does not shorten the training; on two cores about half as long on the wall.
    `loss`: "auto", or a name of `segmentation.losses.LOSSES`.
    `crop_px` None: from the pictures' sizes. `rare_share`: share of crops cut around rare labels, 0–1.
    `learning_rate`: of AdamW; `architectures_catalogue` names the one that suits each architecture.
    `dice_share`: weight of the Dice loss beside cross-entropy. `weight_power`: how strongly rare labels weigh
    in the cross-entropy, 0 = not at all, 1 = every label the same in all. `averaging`: decay of the weights'
    moving average, 0 = off. `patience`: stop after so many epochs without a better validation; None = never.

    `mirrored_views`: the finished model also looks at mirrored copies of every picture, in the directions that
    `augmentation` mirrors, where that is better on validation; it then takes two or four times as long.

    The encoder's start: `pretrained` None = random, "imagenet" = from the Hugging Face hub, else a folder with
    its weights. Or the whole network's: `initial_model`, the folder of an earlier model, whose labels may differ;
    `initial_names`: what the labels are called there, in their order, None = the same.
    `checkpoint_folder`: kept up to date after every epoch; a training that finds one of its own there goes on
    from it; its labels may be called otherwise by then, but must stand in the same order. `seed` fixes everything
    where `epochs` is set; else the machine's speed decides the steps.
    """

    epochs: int | None = None
    minutes: float | None = None
    cpu_minutes: float | None = None
    chunk_size: int = 8
    crop_px: int | None = None
    learning_rate: float = 2e-3
    weight_decay: float = 0.03
    warm_up_fraction: float = 0.04
    largest_gradient: float = 1.0
    rare_share: float = 0.5
    loss: str = "auto"
    dice_share: float = 1.0
    weight_power: float = 0.15
    averaging: float = 0.997
    patience: int | None = 15
    augmentation: Augmentation = field(default_factory=Augmentation)
    pretrained: str | Path | None = None
    initial_model: Path | None = None
    initial_names: tuple[str, ...] | None = None
    checkpoint_folder: Path | None = None
    mirrored_views: bool = False
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    device: str = "auto"
    seed: int = 1

    @property
    def mirrors(self) -> tuple[str, ...]:
        """The directions in which the finished model may look at mirrored copies."""
        may = (self.augmentation.mirror_horizontally, self.augmentation.mirror_vertically)
        return tuple(name for name, is_free in zip(MIRRORS, may, strict=True) if is_free and self.mirrored_views)

    def __post_init__(self) -> None:
        lengths = [length for length in (self.epochs, self.minutes, self.cpu_minutes) if length is not None]
        if len(lengths) > 1:
            raise ValueError("a training takes epochs or minutes, not both; and cpu_minutes only without either")
        if (self.epochs is not None and self.epochs < 1) or any(length <= 0 for length in lengths):
            raise ValueError("a training needs at least one epoch or more than zero minutes")
        if self.chunk_size < 1:
            raise ValueError(f"a chunk has at least one crop, got {self.chunk_size}")
        if self.pretrained is not None and self.initial_model is not None:
            raise ValueError(
                "a training starts from an encoder's weights (pretrained) or from an earlier model (initial_model),"
                " not from both; leave one out"
            )
