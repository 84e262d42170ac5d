"""What a training tells after every epoch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from segmentation.previews import Preview
from segmentation.spec import ModelSpec
from segmentation.validation import PictureOutcome


@dataclass(frozen=True)
class Epoch:
    """What one epoch brought.

    `index` counts from 1. `loss` is the mean training loss; `validation_loss` the same on up to 64 fixed crops of
    validation pictures. A method without a loss has NaN and None. `iou` has one value per label on the validation
    pictures, None for a label that is in neither their truth nor the prediction; `mean_iou` is the mean of
    the others. `is_best`: better than every epoch before. `module` holds the best weights so far (in
    evaluation mode, on the CPU) and `outcomes` what they make of each validation picture; they belong to `best_index`.
    Save the module with `spec`: a classical method adds to the options what it takes to rebuild it.
    `seconds` and `steps` count from the start of training, those before an interruption included; `seconds_left`
    is an estimate on the wall clock, None where there is nothing to go by. `learning_rate` is the last step's.
    `previews`: the same up to four validation pictures every time, as this epoch's weights see them.
    `kept_fraction`: share of the network's numbers that came from `TrainSettings.initial_model`, None without one.
    """

    index: int
    loss: float
    iou: tuple[float | None, ...]
    mean_iou: float | None
    is_best: bool
    progress_fraction: float
    seconds: float
    steps: int
    best_index: int
    best_iou: tuple[float | None, ...]
    outcomes: tuple[PictureOutcome, ...]
    module: nn.Module
    spec: ModelSpec
    validation_loss: float | None = None
    learning_rate: float = 0.0
    seconds_left: float | None = None
    previews: tuple[Preview, ...] = ()
    kept_fraction: float | None = None
