"""Train a network on pairs of pictures and masks; the caller iterates, saves what it likes, and may stop.

for epoch in train(train_pairs, validation_pairs, spec, TrainSettings(minutes=55)):
    show(epoch.progress_fraction, epoch.mean_iou)
save_model(folder, epoch.spec, epoch.module, card=...)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segmentation.architectures_catalogue import facts_of
from segmentation.classical_training import classical_epochs
from segmentation.epochs import Epoch
from segmentation.gradient_training import GradientTraining
from segmentation.pairs import Pair, refuse_held_out
from segmentation.previews import Preview
from segmentation.spec import ModelSpec
from segmentation.train_settings import TrainSettings

__all__ = ["Epoch", "Preview", "TrainSettings", "train"]


def train(
    train_pairs: Sequence[Pair],
    validation_pairs: Sequence[Pair],
    spec: ModelSpec,
    settings: TrainSettings,
) -> Iterator[Epoch]:
    """Train `spec`'s architecture; yields after every epoch. A classical method has one.

    By epochs, an epoch is as many crops as cover the training pictures about once, but no more than 250 steps,
    so that nobody waits long for news. By minutes it is at least a fortieth of the time, and long enough that
    validation takes no more than about an eighth of it.

    With `settings.checkpoint_folder` a training that was killed goes on from its last whole epoch: that epoch is
    yielded again, so that a caller who was killed with it misses nothing, and the following ones are what they would
    have been (on a CPU, by epochs, bit for bit). Where torch.distributed runs, only process 0 yields anything.

    PairError where a pair cannot be used, ValueError where there is nothing to train or validate on,
    CheckpointError where the checkpoint is another training's.
    """
    if not train_pairs or not validation_pairs:
        raise ValueError(
            f"training needs pictures to learn from and pictures to validate on, got {len(train_pairs)} and"
            f" {len(validation_pairs)}; add pictures or let the data set be split again"
        )
    refuse_held_out([*train_pairs, *validation_pairs])
    facts = facts_of(spec.architecture)
    if not facts.is_trainable:
        raise ValueError(f"{spec.architecture} needs no training: save it as it is built")
    if not facts.learns_by_gradient:
        yield from classical_epochs(train_pairs, validation_pairs, spec, settings)
        return
    yield from GradientTraining(train_pairs, validation_pairs, spec, settings).epochs()
