"""Train a queued training run: claim it, learn epoch by epoch, keep the best as a model version.

Claimed under a lease that a heartbeat renews, so that a killed worker's training is found, queued again and goes on
from its checkpoint. Nothing is written once the lease is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings

from segmentation.pairs import Pair
from segmentation.recipe import recipe_settings, recipe_spec
from segmentation.segmenter import pick_device
from segmentation.spec import ModelSpec
from segmentation.train import Epoch, TrainSettings, train
from segmentation.transfer import weights_of
from segmentation.weights import load_spec
from webapp import storage
from webapp.models import DatasetImage, Label, ModelLabel, TrainingRun
from webapp.pipeline.training_data import dataset_pairs, label_specs
from webapp.pipeline.training_failures import reason
from webapp.pipeline.training_labels import freeze_labels
from webapp.pipeline.training_lease import (
    LeaseLostError,
    TrainingHeartbeat,
    end_training,
    lease_length,
    requeue_lost_trainings,
)
from webapp.pipeline.training_progress import save_epoch
from webapp.pipeline.training_result import keep_best
from webapp.services.living import worker_name

OnEpoch = Callable[[Epoch], None]

log = structlog.get_logger(__name__)


def run_training(training_run_id: int, *, on_epoch: OnEpoch = lambda epoch: None) -> list[int]:
    """Train a queued run to its end; returns the runs of batches that waited for this model.

    Returns at once where it is not queued: another worker has it, or it is over. What goes wrong stands in the run,
    and is raised. What was learned is kept where `on_epoch` raises KeyboardInterrupt.
    """
    worker = worker_name()
    requeue_lost_trainings()
    if not TrainingRun.objects.claim(training_run_id, worker=worker, lease=lease_length()):
        return []
    rows = TrainingRun.objects.select_related("project", "dataset__project", "parent", "created_by")
    training_run = rows.get(pk=training_run_id)
    held = TrainingRun.objects.filter(pk=training_run_id).held_by(worker)
    with TrainingHeartbeat(training_run_id, worker) as heartbeat:
        try:
            return _Training(training_run, worker, heartbeat, on_epoch).run()
        except LeaseLostError:
            log.warning("a training is somebody else's now, or was deleted", training=training_run_id)
            return []
        except Exception as error:
            end_training(held, TrainingRun.State.FAILED, error=reason(error))
            raise
        except KeyboardInterrupt:
            end_training(held, TrainingRun.State.CANCELLED)
            raise


@dataclass
class _Training:
    training_run: TrainingRun
    worker: str
    heartbeat: TrainingHeartbeat
    on_epoch: OnEpoch

    def run(self) -> list[int]:
        labels = freeze_labels(self.training_run, self.worker)
        chosen = train_settings(self.training_run)
        train_pairs = dataset_pairs(self.training_run.dataset, DatasetImage.Split.TRAIN, labels)
        spec = _spec(self.training_run, labels, train_pairs)
        validation_pairs = dataset_pairs(self.training_run.dataset, DatasetImage.Split.VALIDATION, labels)
        last = self._learn(train(train_pairs, validation_pairs, spec, chosen), spec)
        if self._is_dropped(last):
            return self._drop()
        if last is None:
            raise ValueError("The time was too short for one epoch. Give more minutes.")
        woken = keep_best(self.training_run, self.worker, spec, chosen, validation_pairs, last)
        storage.remove_folder(_checkpoint_folder(self.training_run))
        return woken

    def _learn(self, epochs: Iterator[Epoch], spec: ModelSpec) -> Epoch | None:
        """The last epoch, or None where the training was stopped before the first one ended."""
        last: Epoch | None = None
        try:
            while (epoch := self._next(epochs)) is not None:
                last = epoch
                storage.keep_folder(_checkpoint_folder(self.training_run))
                save_epoch(self.training_run.pk, self.worker, epoch, spec)
                self.on_epoch(epoch)
                if self.heartbeat.should_stop():
                    break
        except KeyboardInterrupt:
            if last is None and not self.heartbeat.should_stop():
                raise
        if self.heartbeat.is_lost:
            raise LeaseLostError
        return last

    def _next(self, epochs: Iterator[Epoch]) -> Epoch | None:
        with self.heartbeat.interrupting():
            return next(epochs, None)

    def _is_dropped(self, last: Epoch | None) -> bool:
        """Whether a person wants it to end without a model version, or before there is anything to keep."""
        self.training_run.refresh_from_db(fields=["cancel_requested_at", "cancel_keeps_best"])
        is_asked = self.training_run.cancel_requested_at is not None
        return is_asked and (last is None or not self.training_run.cancel_keeps_best)

    def _drop(self) -> list[int]:
        held = TrainingRun.objects.filter(pk=self.training_run.pk).held_by(self.worker)
        if end_training(held, TrainingRun.State.CANCELLED):
            storage.remove_folder(_checkpoint_folder(self.training_run))
        return []


def _spec(training_run: TrainingRun, labels: Sequence[Label], train_pairs: Sequence[Pair]) -> ModelSpec:
    earlier = _earlier_folder(training_run)
    return recipe_spec(
        training_run.architecture,
        label_specs(labels),
        train_pairs,
        encoder=training_run.encoder or None,
        options=training_run.settings.get("options", {}),
        earlier=None if earlier is None else load_spec(earlier),
        has_gpu=pick_device(settings.PIXELWISE_DEVICE).type == "cuda",
    )


def train_settings(training_run: TrainingRun) -> TrainSettings:
    """What a person chose, as the library takes it. Everything that is not named keeps the library's default."""
    chosen = training_run.settings
    earlier = _earlier_folder(training_run)
    return recipe_settings(
        training_run.architecture,
        presets=chosen.get("presets"),
        epochs=training_run.epochs_wanted,
        minutes=training_run.minutes,
        crop_px=chosen.get("crop_px"),
        seed=chosen.get("seed", 1),
        loss=chosen.get("loss", "auto"),
        mirrored_views=chosen.get("mirrored_views", False),
        pretrained=_pretrained(training_run),
        initial_model=earlier,
        initial_names=None if earlier is None else _names_in(earlier, training_run),
        checkpoint_folder=storage.fetch_folder(_checkpoint_folder(training_run)),
        device=settings.PIXELWISE_DEVICE,
    )


def _earlier_folder(training_run: TrainingRun) -> Path | None:
    """The model that it starts from."""
    parent = training_run.parent
    return None if parent is None else storage.fetch_folder(storage.model_folder(parent.folder))


def _names_in(earlier: Path, training_run: TrainingRun) -> tuple[str, ...]:
    """What the labels of this training were called when the earlier model was made; empty for those it has not."""
    names = {label.index: label.name for label in load_spec(earlier).labels}
    outputs = ModelLabel.objects.filter(model_version=training_run.parent_id)
    places = dict(outputs.values_list("label", "index"))
    return tuple(names.get(places.get(pk, -1), "") for pk in training_run.label_ids)


def _pretrained(training_run: TrainingRun) -> str | Path | None:
    if training_run.start == TrainingRun.Start.HUB:
        return "imagenet"
    if training_run.start == TrainingRun.Start.FOLDER:
        folder = Path(training_run.settings.get("weights_folder") or storage.encoder_folder())
        return weights_of(training_run.encoder, folder) or folder
    return None


def _checkpoint_folder(training_run: TrainingRun) -> Path:
    return storage.training_folder(training_run.pk) / "checkpoint"
