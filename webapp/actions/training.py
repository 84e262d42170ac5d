"""Trainings: start one, end it early, try again, delete it. A worker does the learning: nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from segmentation.architectures_catalogue import CATALOGUE, Facts
from segmentation.augment_presets import PRESETS
from segmentation.loss_catalogue import AUTOMATIC, LOSS_FACTS
from segmentation.spec import ModelSpec
from webapp import storage
from webapp.actions.refused import Refused
from webapp.actions.training_advice import recommendation, version_start
from webapp.models import Dataset, DatasetImage, ModelVersion, Project, TrainingRun, User
from webapp.models.trainings import MOST_MINUTES
from webapp.pipeline.training_lease import end_training, requeue_lost_trainings
from webapp.tasks import queue_on_commit, train

SMALLEST_CROP_PX, LARGEST_CROP_PX = 32, 2048
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class TrainingWish:
    """What a person wants. One of `minutes` and `epochs`.

    Without `architecture` the recommended network is taken, or that of the `parent` it starts from; without the rest
    the architecture's or the library's own. `options` are those of an `architecture`, or of the parent's.
    `presets`: what may happen to the photos, None = the library's own mixture, empty = nothing.
    `weights_folder`: for start "folder", where the encoder's weights are; empty = `encoders/` of the data folder.
    """

    dataset: Dataset
    architecture: str = ""
    minutes: float | None = None
    epochs: int | None = None
    target: str = TrainingRun.Target.PC
    encoder: str = ""
    options: Mapping[str, Any] | None = None
    presets: Sequence[str] | None = None
    loss: str = AUTOMATIC
    start: str = TrainingRun.Start.RANDOM
    parent: ModelVersion | None = None
    weights_folder: str = ""
    crop_px: int | None = None
    mirrored_views: bool = False
    seed: int = 1


def start_training(*, project: Project, user: User | None, wish: TrainingWish, by_command: bool = False) -> TrainingRun:
    """Queue a training for the worker, or (`by_command`) for the command that asks. Refused says what cannot be."""
    _refuse_impossible(project, wish)
    # A parent may have to be fetched from the bucket first: nothing for a transaction.
    network = _network(wish)
    _refuse_what_it_lacks(wish, network)
    return _queued(project, user, wish, network, by_command=by_command)


@transaction.atomic
def _queued(
    project: Project, user: User | None, wish: TrainingWish, network: _Network, *, by_command: bool
) -> TrainingRun:
    training_run = TrainingRun.objects.create(
        project=project,
        dataset=wish.dataset,
        created_by=user,
        target=wish.target,
        architecture=network.architecture,
        encoder=network.encoder,
        start=wish.start,
        parent=wish.parent,
        minutes=wish.minutes,
        epochs_wanted=wish.epochs,
        settings=_settings(wish, network),
        by_command=by_command,
    )
    if not by_command:
        queue_on_commit(train, training_run.pk)
    return training_run


@transaction.atomic
def cancel_training(*, training_run: TrainingRun, user: User | None, keep: bool) -> TrainingRun:
    """End a training early. `keep`: what it has learned becomes a model version, unless that is nothing yet.

    One that waits is cancelled at once; the worker of one that learns finds the wish within seconds. Nothing happens to
    one that is over.
    """
    found = TrainingRun.objects.select_for_update().get(pk=training_run.pk)
    if found.state == TrainingRun.State.QUEUED:
        end_training(TrainingRun.objects.filter(pk=found.pk), TrainingRun.State.CANCELLED)
    elif found.state == TrainingRun.State.RUNNING:
        found.cancel_requested_at = found.cancel_requested_at or timezone.now()
        found.cancel_keeps_best = keep
        found.save(update_fields=["cancel_requested_at", "cancel_keeps_best"])
    found.refresh_from_db()
    return found


@transaction.atomic
def retry_training(*, training_run: TrainingRun, user: User | None) -> None:
    """Queue a failed or cancelled training again; it goes on from its checkpoint where it has one. Refused if not."""
    again = _queue_again(training_run, by_command=False)
    if not again:
        raise Refused("Only a training that failed or was cancelled can be tried again. This one is not.")
    queue_on_commit(train, training_run.pk)


@transaction.atomic
def resume_by_command(*, project: Project, training_run_id: int | None) -> TrainingRun:
    """Queue a training that was stopped for the command that asks; None = the project's newest. Refused says why not.

    It goes on from its checkpoint.
    """
    requeue_lost_trainings()
    stopped = project.training_runs.filter(state__in=[TrainingRun.State.FAILED, TrainingRun.State.CANCELLED])
    if training_run_id is not None:
        stopped = stopped.filter(pk=training_run_id)
    found = stopped.order_by("-pk").first()
    if found is None:
        which = "no training" if training_run_id is None else f"no training {training_run_id}"
        raise Refused(f"Project {project.name} has {which} that failed or was cancelled: there is nothing to resume.")
    _queue_again(found, by_command=True)
    found.refresh_from_db()
    return found


def _queue_again(training_run: TrainingRun, *, by_command: bool) -> int:
    return TrainingRun.objects.filter(
        pk=training_run.pk, state__in=[TrainingRun.State.FAILED, TrainingRun.State.CANCELLED]
    ).update(
        state=TrainingRun.State.QUEUED,
        error="",
        attempts_count=0,
        by_command=by_command,
        cancel_requested_at=None,
        cancel_keeps_best=True,
        finished_at=None,
    )


@transaction.atomic
def delete_training(*, training_run: TrainingRun, user: User | None) -> None:
    """Delete a training without a model version, with its files. Refused where it made one or still goes on."""
    found = TrainingRun.objects.select_for_update().get(pk=training_run.pk)
    if not found.is_finished:
        raise Refused("This training still goes on. Cancel it first.")
    if ModelVersion.objects.filter(training_run=found).exists():
        raise Refused("This training made a model version, which needs it as the proof of where it comes from.")
    folder = storage.training_folder(found.pk)
    found.delete()
    transaction.on_commit(lambda: storage.remove_folder(folder))


@dataclass(frozen=True)
class _Network:
    architecture: str
    encoder: str
    options: Mapping[str, Any]
    crop_px: int | None
    why: str


def _network(wish: TrainingWish) -> _Network:
    """The parent's, else what was chosen, else what is recommended."""
    if wish.parent is not None:
        return _inherited(wish, wish.parent)
    if wish.architecture:
        facts = _trainable(wish.architecture)
        options = facts.default_options if wish.options is None else wish.options
        return _Network(facts.name, wish.encoder or facts.default_encoder or "", options, wish.crop_px, "")
    if wish.options is not None:
        raise Refused("Options belong to a kind of network. Name the architecture that has them.", field="options")
    advised = recommendation(wish.dataset, minutes=wish.minutes, target=wish.target)
    encoder = wish.encoder or advised.encoder or ""
    return _Network(advised.architecture, encoder, advised.options, wish.crop_px or advised.crop_px, advised.why)


def _inherited(wish: TrainingWish, parent: ModelVersion) -> _Network:
    """The parent's network, or the chosen one around the parent's encoder. Refused where nothing of it fits."""
    if wish.architecture:
        _trainable(wish.architecture)
    start = version_start(parent, wish.architecture, wish.encoder)
    if not start.is_usable:
        is_chosen = wish.architecture or wish.encoder
        cure = "Name no kind of network and no encoder, to take over its own, or choose" if is_chosen else "Choose"
        raise Refused(
            f"This training cannot start from version {parent.number}. {start.why} {cure} another start.",
            field="parent",
        )
    spec_file = storage.fetch(storage.model_folder(parent.folder) / "model.json")
    spec = ModelSpec.from_json(spec_file.read_text())
    facts = _trainable(wish.architecture or spec.architecture)
    is_same = facts.name == spec.architecture
    usual = spec.options if is_same else facts.default_options
    return _Network(
        facts.name,
        spec.encoder or facts.default_encoder or "",
        usual if wish.options is None else wish.options,
        wish.crop_px,
        f"The network of version {parent.number}, from which it starts." if is_same else "",
    )


def _trainable(architecture: str) -> Facts:
    facts = CATALOGUE.get(architecture)
    if facts is None or not facts.is_trainable:
        known = ", ".join(name for name, row in CATALOGUE.items() if row.is_trainable)
        raise Refused(
            f"There is no architecture “{architecture}” to train. Choose one of: {known}.", field="architecture"
        )
    return facts


def _refuse_impossible(project: Project, wish: TrainingWish) -> None:
    if wish.dataset.project_id != project.pk:
        raise Refused("This data set belongs to another project. Choose one of this project's.", field="dataset")
    splits = wish.dataset.dataset_images
    if not splits.filter(split=DatasetImage.Split.TRAIN).exists():
        raise Refused("This data set has no images to learn from. Import one that has.", field="dataset")
    if not splits.filter(split=DatasetImage.Split.VALIDATION).exists():
        raise Refused(
            "This data set has no validation images, so nobody could tell how well the model does. "
            "Import it again and let it be split.",
            field="dataset",
        )
    if (wish.minutes is None) == (wish.epochs is None):
        raise Refused("Say how long it may take: in minutes or in epochs, one of the two.", field="minutes")
    if wish.minutes is not None and not 0 < wish.minutes <= MOST_MINUTES:
        raise Refused(f"A training takes more than 0 and at most {MOST_MINUTES:,} minutes (a week).", field="minutes")
    if wish.epochs is not None and wish.epochs < 1:
        raise Refused("A training takes at least one epoch.", field="epochs")
    if wish.loss != AUTOMATIC and wish.loss not in LOSS_FACTS:
        known = ", ".join([AUTOMATIC, *LOSS_FACTS])
        raise Refused(f"There is no loss “{wish.loss}”. Choose one of: {known}.", field="loss")
    unknown = [name for name in wish.presets or () if name not in PRESETS]
    if unknown:
        raise Refused(f"There is no preset “{unknown[0]}”. Choose some of: {', '.join(PRESETS)}.", field="presets")
    if wish.target not in TrainingRun.Target.values or wish.start not in TrainingRun.Start.values:
        raise Refused("This target or start is unknown.", field="target")
    if (wish.start == TrainingRun.Start.PARENT) != (wish.parent is not None):
        raise Refused("To start from an earlier version, say which.", field="parent")
    if wish.parent is not None and wish.parent.project_id != project.pk:
        raise Refused("This model version belongs to another project. Choose one of this project's.", field="parent")
    if wish.crop_px is not None and not SMALLEST_CROP_PX <= wish.crop_px <= LARGEST_CROP_PX:
        raise Refused(f"Crops have {SMALLEST_CROP_PX} to {LARGEST_CROP_PX} pixels a side.", field="crop_px")
    if not 0 <= wish.seed <= LARGEST_SEED:
        raise Refused(f"The seed is a whole number from 0 to {LARGEST_SEED:,}.", field="seed")


def _refuse_what_it_lacks(wish: TrainingWish, network: _Network) -> None:
    """Where a network brings its own encoder, nobody chooses one, and there are no general weights for it."""
    facts = CATALOGUE[network.architecture]
    if facts.has_encoder:
        return
    name = facts.title if wish.architecture else f"{facts.title}, the recommended network,"
    other = "or choose a kind of network that has one."
    if wish.encoder:
        raise Refused(f"{name} has no encoder to choose. Leave the encoder empty, {other}", field="encoder")
    if wish.start in (TrainingRun.Start.HUB, TrainingRun.Start.FOLDER):
        raise Refused(f"{name} has no encoder to give learnt weights to. Start from nothing, {other}", field="start")


def _settings(wish: TrainingWish, network: _Network) -> dict[str, Any]:
    """Only what was chosen: what is not named keeps the library's default."""
    chosen = {
        "options": dict(network.options),
        "loss": wish.loss,
        "seed": wish.seed,
        "crop_px": network.crop_px,
        "presets": None if wish.presets is None else list(wish.presets),
        "mirrored_views": wish.mirrored_views or None,
        "weights_folder": wish.weights_folder or None,
        "why": network.why or None,
    }
    return {name: value for name, value in chosen.items() if value is not None}
