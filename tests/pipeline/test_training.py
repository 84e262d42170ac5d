"""The worker of trainings: one claims, the curve and the pictures are kept, the best becomes a model version."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from segmentation.spec import LabelSpec, ModelSpec
from segmentation.train import Epoch
from segmentation.weights import load_spec
from tests.trainings import TINY, drawn_dataset, queued_training, taken_at
from webapp import storage
from webapp.actions.labels import change_labels, label_input
from webapp.actions.training import cancel_training, resume_by_command, retry_training
from webapp.models import ModelVersion, Project, TrainingRun
from webapp.pipeline.label_census import label_counts
from webapp.pipeline.sweep import sweep
from webapp.pipeline.train import run_training, train_settings
from webapp.pipeline.training_failures import reason
from webapp.pipeline.training_lease import MAX_ATTEMPTS, TrainingHeartbeat, requeue_lost_trainings
from webapp.services.living import worker_name

pytestmark = pytest.mark.django_db

LEASE = timedelta(seconds=60)


@pytest.fixture
def no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's rows lie in its own transaction, which the heartbeat's connection does not see."""
    monkeypatch.setattr(TrainingHeartbeat, "_beat", lambda self: None)


def claim(training_run: TrainingRun, worker: str) -> bool:
    return TrainingRun.objects.claim(training_run.pk, worker=worker, lease=LEASE)


def test_curve_pictures_and_model_version_are_kept(project: Project, no_heartbeat: None) -> None:
    training_run = queued_training(project)
    assert run_training(training_run.pk) == []
    training_run.refresh_from_db()
    assert (training_run.state, training_run.progress_fraction, training_run.leased_by) == ("done", 1.0, "")
    epochs = list(training_run.epochs.all())
    assert [epoch.number for epoch in epochs] == [1, 2]
    assert set(epochs[0].iou) == {"background", "rust"}
    assert all(epoch.validation_loss is not None and epoch.learning_rate is not None for epoch in epochs)
    assert len(training_run.preview_names) == 4
    for epoch in (None, 1, 2):
        assert storage.preview_path(training_run.pk, 3, epoch).read_bytes()[8:12] == b"WEBP"
    assert not (storage.training_folder(training_run.pk) / "checkpoint").exists()
    model_version = training_run.model_version
    project.refresh_from_db()
    assert project.live_model == model_version, "the first model of a project goes live by itself"
    spec = load_spec(storage.model_folder(model_version.folder))
    assert spec.temperature == model_version.temperature
    assert spec.min_region_px == model_version.min_region_px
    card = (storage.model_folder(model_version.folder) / "card.md").read_text()
    assert training_run.dataset.checksum in card
    assert str(storage.training_folder(training_run.pk)) not in card


def test_the_card_scores_each_source_of_the_validation_images(project: Project, no_heartbeat: None) -> None:
    dataset = drawn_dataset(project, val=5)
    taken_at(dataset, "val", "Camera 1", "Camera 2")
    training_run = queued_training(project, dataset, epochs=1)
    run_training(training_run.pk)
    training_run.refresh_from_db()
    card = (storage.model_folder(training_run.model_version.folder) / "card.md").read_text()
    parts = card.partition("### By part of the data")[2]
    assert "| Camera 1 | 3 |" in parts
    assert "| Camera 2 | 2 |" in parts


def test_a_later_model_does_not_go_live_by_itself(project: Project, no_heartbeat: None) -> None:
    dataset = drawn_dataset(project)
    run_training(queued_training(project, dataset, epochs=1).pk)
    run_training(queued_training(project, dataset, epochs=1, seed=2).pk)
    project.refresh_from_db()
    assert project.live_model is not None
    assert project.live_model.number == 1
    assert project.model_versions.count() == 2


def test_a_second_delivery_returns_at_once(project: Project) -> None:
    training_run = queued_training(project)
    assert claim(training_run, "elsewhere:1")
    assert not claim(training_run, "elsewhere:2")
    assert run_training(training_run.pk) == []
    training_run.refresh_from_db()
    assert (training_run.leased_by, training_run.epochs.count()) == ("elsewhere:1", 0)


def test_lost_lease_writes_nothing(project: Project, no_heartbeat: None) -> None:
    training_run = queued_training(project)

    def lose(epoch: Epoch) -> None:
        TrainingRun.objects.filter(pk=training_run.pk).update(leased_by="elsewhere:1")

    assert run_training(training_run.pk, on_epoch=lose) == []
    training_run.refresh_from_db()
    assert (training_run.state, training_run.leased_by) == ("running", "elsewhere:1")
    assert training_run.epochs.count() == 1
    assert not ModelVersion.objects.exists()


def test_killed_training_goes_on_from_its_checkpoint_with_the_same_curve(project: Project, no_heartbeat: None) -> None:
    dataset = drawn_dataset(project)
    whole = queued_training(project, dataset, epochs=3)
    run_training(whole.pk)

    killed = queued_training(project, dataset, epochs=3)

    def kill(epoch: Epoch) -> None:
        if epoch.index == 2:
            raise SystemExit

    with pytest.raises(SystemExit):
        run_training(killed.pk, on_epoch=kill)
    TrainingRun.objects.filter(pk=killed.pk).update(leased_by="elsewhere:1", leased_until=timezone.now() - LEASE)
    assert sweep().trainings == [killed.pk]
    seen: list[int] = []
    run_training(killed.pk, on_epoch=lambda epoch: seen.append(epoch.index))
    assert seen == [2, 3]
    curve = ("number", "loss", "validation_loss", "mean_iou", "learning_rate")
    assert list(killed.epochs.values_list(*curve)) == list(whole.epochs.values_list(*curve))


def swap_names(project: Project) -> None:
    rust, paint = project.labels.get(index=1), project.labels.get(index=2)
    changes = {one.pk: replace(label_input(one), name=other.name) for one, other in ((rust, paint), (paint, rust))}
    change_labels(project=project, user=None, changes=changes)


def rename(project: Project) -> None:
    rust = project.labels.get(index=1)
    change_labels(project=project, user=None, changes={rust.pk: replace(label_input(rust), name="corrosion")})


def recolour(project: Project) -> None:
    rust = project.labels.get(index=1)
    changed = replace(label_input(rust), color="#123456", is_defect=False)
    change_labels(project=project, user=None, changes={rust.pk: changed})


CHANGES = [(rename, "corrosion", "#dc1e1e"), (swap_names, "paint", "#dc1e1e"), (recolour, "rust", "#123456")]


@pytest.mark.parametrize(("change", "name", "color"), CHANGES)
def test_a_label_changed_while_it_is_learned_is_the_same_label(
    project: Project, no_heartbeat: None, change: Callable[[Project], None], name: str, color: str
) -> None:
    training_run = queued_training(project)
    run_training(training_run.pk, on_epoch=lambda epoch: change(project) if epoch.index == 1 else None)
    training_run.refresh_from_db()
    assert (training_run.state, training_run.error) == ("done", "")
    check_outputs(training_run, name, color)


@pytest.mark.parametrize(("change", "name", "color"), CHANGES)
def test_a_killed_training_goes_on_with_labels_that_were_changed(
    project: Project, no_heartbeat: None, change: Callable[[Project], None], name: str, color: str
) -> None:
    training_run = queued_training(project)

    def kill(epoch: Epoch) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        run_training(training_run.pk, on_epoch=kill)
    TrainingRun.objects.update(leased_by="elsewhere:1", leased_until=timezone.now() - LEASE)
    change(project)
    assert sweep().trainings == [training_run.pk]
    seen: list[int] = []
    run_training(training_run.pk, on_epoch=lambda epoch: seen.append(epoch.index))
    assert seen == [1, 2]
    check_outputs(training_run, name, color)


def check_outputs(training_run: TrainingRun, name: str, color: str) -> None:
    """Outputs stand for the labels that were learned, and the finished model calls them as the project does today."""
    version = ModelVersion.objects.get(training_run=training_run)
    rows = list(version.model_labels.select_related("label"))
    assert [row.label.index for row in rows] == [0, 1]
    assert all(row.validation_iou is not None for row in rows)
    spec = load_spec(storage.model_folder(version.folder))
    assert [(label.name, label.color) for label in spec.labels] == [("background", "#808080"), (name, color)]
    assert f"| {name} |" in (storage.model_folder(version.folder) / "card.md").read_text()


def test_a_label_deleted_while_it_is_learned_is_told(project: Project, no_heartbeat: None) -> None:
    training_run = queued_training(project)
    told = "1 of the 2 labels that this training learns was deleted meanwhile: start a new training"
    with pytest.raises(ValueError, match=told):
        run_training(training_run.pk, on_epoch=lambda epoch: project.labels.filter(index=1).delete())
    training_run.refresh_from_db()
    assert (training_run.state, told in training_run.error) == ("failed", True)
    retry_training(training_run=training_run, user=None)
    with pytest.raises(ValueError, match=told):
        run_training(training_run.pk)
    assert not ModelVersion.objects.exists()


def test_what_its_worker_leaves_again_and_again_fails_with_what_to_do(project: Project) -> None:
    training_run = queued_training(project)
    for _ in range(MAX_ATTEMPTS):
        assert claim(training_run, "elsewhere:1")
        TrainingRun.objects.update(leased_until=timezone.now() - LEASE)
        assert requeue_lost_trainings() == 1
    training_run.refresh_from_db()
    assert training_run.state == "failed"
    assert "smaller crops" in training_run.error


def test_a_worker_of_this_machine_that_is_gone_is_found_before_its_lease_ends(project: Project) -> None:
    training_run = queued_training(project)
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    assert claim(training_run, f"{worker_name().rpartition(':')[0]}:{int(gone.stdout)}")
    assert requeue_lost_trainings() == 1
    training_run.refresh_from_db()
    assert training_run.state == "queued"


def test_one_at_a_time_is_woken(project: Project) -> None:
    dataset = drawn_dataset(project)
    first, second = (queued_training(project, dataset) for _ in range(2))
    assert sweep().trainings == [first.pk]
    assert claim(first, "elsewhere:1")
    assert sweep().trainings == []
    TrainingRun.objects.filter(pk=first.pk).update(
        state="cancelled", leased_by="", leased_until=None, finished_at=timezone.now()
    )
    assert sweep().trainings == [second.pk]


def test_a_command_that_is_gone_leaves_its_training_to_be_resumed(project: Project) -> None:
    training_run = queued_training(project)
    TrainingRun.objects.filter(pk=training_run.pk).update(by_command=True)
    assert claim(training_run, "elsewhere:1")
    TrainingRun.objects.update(leased_until=timezone.now() - LEASE)
    assert sweep().trainings == []
    training_run.refresh_from_db()
    assert (training_run.state, f"--resume {training_run.pk}" in training_run.error) == ("failed", True)
    assert resume_by_command(project=project, training_run_id=None) == training_run


@pytest.mark.parametrize(("keep", "state", "versions"), [(True, "done", 1), (False, "cancelled", 0)])
def test_cancelled_keeps_or_drops_the_best_so_far(
    project: Project, no_heartbeat: None, monkeypatch: pytest.MonkeyPatch, keep: bool, state: str, versions: int
) -> None:
    training_run = queued_training(project, epochs=50)

    def ask(epoch: Epoch) -> None:
        cancel_training(training_run=training_run, user=None, keep=keep)
        monkeypatch.setattr(TrainingHeartbeat, "should_stop", lambda self: True)

    run_training(training_run.pk, on_epoch=ask)
    training_run.refresh_from_db()
    assert (training_run.state, training_run.epochs.count()) == (state, 1)
    assert ModelVersion.objects.count() == versions


def test_heartbeat_breaks_off_a_long_epoch(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    training_run = queued_training(project)

    def beat(self: TrainingHeartbeat) -> None:
        self.is_asked_to_stop = True
        self._interrupt()

    monkeypatch.setattr(TrainingHeartbeat, "_beat", beat)
    monkeypatch.setattr(TrainingHeartbeat, "every_seconds", 0.05)
    before, began = signal.getsignal(signal.SIGUSR2), time.monotonic()
    with TrainingHeartbeat(training_run.pk, "me:1") as heartbeat:
        with pytest.raises(KeyboardInterrupt), heartbeat.interrupting():
            time.sleep(20)
        with heartbeat.interrupting():
            pass
    assert signal.getsignal(signal.SIGUSR2) == before
    assert time.monotonic() - began < 15


def test_a_failure_says_what_to_do(project: Project) -> None:
    training_run = queued_training(project, encoder="magic")
    with pytest.raises(ValueError, match="magic"):
        run_training(training_run.pk)
    training_run.refresh_from_db()
    assert (training_run.state, "magic" in training_run.error) == ("failed", True)
    retry_training(training_run=training_run, user=None)
    training_run.refresh_from_db()
    assert (training_run.state, training_run.error) == ("queued", "")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "not enough memory"),
        (OSError(28, "No space left on device"), "Free some space"),
        (ValueError("needs pictures"), "Needs pictures"),
        (KeyError("x"), "the log of worker-train"),
    ],
)
def test_reasons(error: Exception, words: str) -> None:
    assert words in reason(error)


def test_every_choice_reaches_the_training(project: Project) -> None:
    dataset = drawn_dataset(project)
    spec = ModelSpec("unet", (LabelSpec(0, "background", "#808080"),), encoder=TINY["encoder"])
    storage.write(storage.model_folder("parts-1") / "model.json", spec.to_json().encode())
    storage.write(storage.model_folder("parts-1") / "model.safetensors", b"weights")
    parent = ModelVersion.objects.create(
        project=project, number=1, architecture="unet", origin="imported", folder="parts-1", weights_sha256="0" * 64
    )
    training_run = queued_training(
        project, dataset, epochs=7, crop_px=96, seed=5, presets=["light", "mirrored"], start="parent", parent=parent
    )
    chosen = train_settings(training_run)
    assert (chosen.epochs, chosen.minutes, chosen.crop_px, chosen.seed, chosen.loss) == (7, None, 96, 5, "auto")
    assert chosen.augmentation.mirror_horizontally
    assert not chosen.augmentation.mirror_vertically
    assert chosen.initial_model == storage.model_folder("parts-1")
    assert chosen.checkpoint_folder == storage.training_folder(training_run.pk) / "checkpoint"
    assert chosen.mirrors == ()
    hub = train_settings(queued_training(project, dataset, epochs=None, minutes=2.5, start="hub"))
    assert (hub.minutes, hub.pretrained, hub.initial_model) == (2.5, "imagenet", None)
    folder = train_settings(queued_training(project, dataset, start="folder"))
    assert folder.pretrained == storage.encoder_folder()


def test_labels_that_were_renamed_since_the_earlier_version_keep_their_part(project: Project) -> None:
    dataset = drawn_dataset(project)
    ids = {label.name: label.pk for label in project.labels.all()}
    known = [LabelSpec(0, "background", "#808080"), LabelSpec(1, "paint", "#00ff00"), LabelSpec(2, "rust", "#ff0000")]
    spec = ModelSpec("unet", tuple(known), encoder=TINY["encoder"])
    storage.write(storage.model_folder("parts-1") / "model.json", spec.to_json().encode())
    storage.write(storage.model_folder("parts-1") / "model.safetensors", b"weights")
    parent = ModelVersion.objects.create(
        project=project, number=1, architecture="unet", origin="imported", folder="parts-1", weights_sha256="0" * 64
    )
    for output in known:
        parent.model_labels.create(index=output.index, label_id=ids[output.name])
    project.labels.filter(name="rust").update(name="corrosion")
    project.labels.filter(name="paint").update(name="rust")
    training_run = queued_training(project, dataset, start="parent", parent=parent)
    training_run.label_ids = [ids["background"], ids["rust"], ids["paint"]]
    assert train_settings(training_run).initial_names == ("background", "rust", "paint")
    parent.model_labels.get(index=1).delete()
    assert train_settings(training_run).initial_names == ("background", "rust", "")


def test_labels_are_counted_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = drawn_dataset(project, train=4, val=3, test=1)
    expected = {"train": {0: 4, 1: 2}, "val": {0: 3, 1: 1}, "test": {0: 1, 1: 1}}
    assert label_counts(dataset) == expected
    for path in (storage.annotation_path("0").parents[1]).rglob("*.png"):
        path.unlink()
    dataset.refresh_from_db()
    assert label_counts(dataset) == expected
