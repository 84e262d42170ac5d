"""The labels that a training learns: chosen once, the same however often it goes on and whatever people rename."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from segmentation.spec import ModelSpec
from webapp.models import Label, TrainingRun
from webapp.pipeline.training_data import taught_labels
from webapp.pipeline.training_lease import LeaseLostError


def freeze_labels(training_run: TrainingRun, worker: str) -> list[Label]:
    """The labels in order of the model's outputs; the first call fixes them in the training's row.

    LeaseLostError where `worker` no longer holds the training. ValueError where a label was deleted meanwhile, or
    there is nothing to tell apart.
    """
    if not training_run.label_ids:
        ids = [label.pk for label in taught_labels(training_run.dataset)]
        if not TrainingRun.objects.filter(pk=training_run.pk).held_by(worker).update(label_ids=ids):
            raise LeaseLostError
        training_run.label_ids = ids
    return frozen_labels(training_run)


def frozen_labels(training_run: TrainingRun) -> list[Label]:
    """What `freeze_labels` fixed, as the labels are called today. ValueError where one was deleted meanwhile."""
    found = training_run.project.labels.in_bulk(training_run.label_ids)
    if gone := len(training_run.label_ids) - len(found):
        raise ValueError(
            f"{gone} of the {len(training_run.label_ids)} labels that this training learns "
            f"{'was' if gone == 1 else 'were'} deleted meanwhile: start a new training, which learns the others"
        )
    return [found[pk] for pk in training_run.label_ids]


def renamed(spec: ModelSpec, labels: Sequence[Label]) -> ModelSpec:
    """The spec under the labels' present names and colours; defect flags stay those that its scores were made by."""
    told = zip(spec.labels, labels, strict=True)
    return replace(spec, labels=tuple(replace(one, name=label.name, color=label.color) for one, label in told))
