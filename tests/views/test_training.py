"""Asking for a training, watching it, ending it: pages of somebody who has never heard of a loss function."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.cast import signed_in
from tests.trainings import drawn_dataset, learned, queued_training
from tests.views.visit import words
from webapp import storage
from webapp.models import Dataset, ModelVersion, Project, TrainingRun, User


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, data_folder: Path) -> None:
    """No test asks the hub."""
    monkeypatch.setattr("segmentation.transfer.hub_answers", lambda: False)


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return drawn_dataset(project)


@pytest.fixture
def client(alice: User) -> Client:
    return signed_in(alice)


def ask(client: Client, project: Project, **changes: Any) -> Any:
    form = {"length": "60", "target": "pc", "start": "random", "presets": ["light"], **changes}
    return client.post(f"/p/{project.slug}/models/train", {name: value for name, value in form.items() if value != ""})


def page(client: Client, training_run: TrainingRun, part: str = "", **query: str) -> str:
    answer = client.get(f"/p/{training_run.project.slug}/models/trainings/{training_run.pk}/{part}", query)
    assert answer.status_code == 200
    return str(answer.content.decode())


class TestAsking:
    def test_without_a_data_set_it_says_what_is_needed(self, client: Client, project: Project) -> None:
        told = words(client.get(f"/p/{project.slug}/models/train").content.decode())
        assert "No data set yet" in told
        assert "Start the training" not in told

    def test_every_question_has_an_answer_already(self, client: Client, project: Project, dataset: Dataset) -> None:
        told = client.get(f"/p/{project.slug}/models/train").content.decode()
        for value in ("60", "pc", "random", "light"):
            assert f'value="{value}" checked' in told
        assert "Part may be rotated" in told

    def test_advice_counts_labels_and_says_what_is_missing(
        self, client: Client, project: Project, dataset: Dataset
    ) -> None:
        dataset.dataset_images.filter(split="val", name__in=["5.png", "7.png"]).delete()
        answer = client.get(f"/p/{project.slug}/models/train/advice", {"dataset": dataset.pk, "target": "pc"})
        told = words(answer.content.decode())
        assert "4 images to learn from, 2 to check it after every step, 1 locked away" in told
        assert "No validation image shows scratch: nobody can tell how well that is found." in told
        assert "No training image shows crack, pit or stain: the model will not know them." in told
        assert "Random forest" in told, "few pictures: the recommendation says so"
        assert "Random forest learns in seconds: the time does not matter for it." in told
        assert "There are no general weights for this kind of model." in told

    def test_advice_follows_a_choice_of_ones_own(self, client: Client, project: Project, dataset: Dataset) -> None:
        query = {"dataset": dataset.pk, "architecture": "deeplabv3plus", "length": "own", "start": "hub"}
        told = client.get(f"/p/{project.slug}/models/train/advice", query).content.decode()
        assert "Your choice" in told
        assert "DeepLabV3+" in told
        assert "cannot be reached from here" in told
        assert 'value="random" checked' in told, "what cannot be used is not chosen"

    def test_advice_holds_a_chosen_network_against_every_version(
        self, client: Client, project: Project, dataset: Dataset
    ) -> None:
        version = ModelVersion.objects.create(
            project=project, number=1, architecture="segnet", origin="imported", folder="one", weights_sha256="0" * 64
        )
        spec = '{"architecture": "segnet", "labels": [{"index": 0, "name": "a", "color": "#000000"}]}'
        storage.write(storage.model_folder("one") / "model.json", spec.encode())
        storage.write(storage.model_folder("one") / "model.safetensors", b"weights")
        query = {"dataset": dataset.pk, "start": f"version:{version.pk}"}
        told = client.get(f"/p/{project.slug}/models/train/advice", query).content.decode()
        assert f'value="version:{version.pk}" checked' in told
        query["architecture"] = "segformer"
        told = client.get(f"/p/{project.slug}/models/train/advice", query).content.decode()
        assert "It is another kind of network (SegNet, not SegFormer): nothing fits." in told
        assert 'value="random" checked' in told

    def test_eight_examples_of_what_may_happen(self, client: Client, project: Project, dataset: Dataset) -> None:
        query = {"dataset": dataset.pk, "presets": ["light", "rotated", "no such thing"]}
        told = client.get(f"/p/{project.slug}/models/train/examples", query).content.decode()
        addresses = [address.replace("&amp;", "&") for address in re.findall(r'src="([^"]+)"', told)]
        assert len(addresses) == 8
        assert addresses[1].endswith("/preview/1.webp?presets=light&presets=rotated&")
        assert len({client.get(address).content for address in addresses}) > 4
        empty = client.get(f"/p/{project.slug}/models/train/examples", {"dataset": 0}).content.decode()
        assert "No image of this data set" in empty

    def test_a_training_is_queued_with_what_was_chosen(
        self, client: Client, alice: User, project: Project, dataset: Dataset
    ) -> None:
        answer = ask(
            client,
            project,
            dataset=dataset.pk,
            length="own",
            own_minutes="7.5",
            target="edge",
            architecture="fpn",
            presets=["light", "noise"],
            loss="focal",
            crop_px="128",
            seed="9",
        )
        training_run = TrainingRun.objects.get()
        assert answer["Location"] == f"/p/{project.slug}/models/trainings/{training_run.pk}/"
        assert (training_run.state, training_run.minutes, training_run.target) == ("queued", 7.5, "edge")
        assert (training_run.architecture, training_run.created_by) == ("fpn", alice)
        chosen = training_run.settings
        assert (chosen["presets"], chosen["loss"], chosen["crop_px"], chosen["seed"]) == (
            ["light", "noise"],
            "focal",
            128,
            9,
        )

    def test_without_a_choice_the_recommended_network_is_taken(
        self, client: Client, project: Project, dataset: Dataset
    ) -> None:
        ask(client, project, dataset=dataset.pk)
        training_run = TrainingRun.objects.get()
        assert training_run.architecture == "random-forest"
        assert "random forest learns most" in training_run.settings["why"]

    def test_starting_from_a_version_takes_its_network(
        self, client: Client, project: Project, dataset: Dataset
    ) -> None:
        version = ModelVersion.objects.create(
            project=project, number=1, architecture="fpn", origin="imported", folder="one", weights_sha256="0" * 64
        )
        spec = (
            '{"architecture": "fpn", "encoder": "resnet18", "labels": [{"index": 0, "name": "a", "color": "#000000"}]}'
        )
        storage.write(storage.model_folder("one") / "model.json", spec.encode())
        storage.write(storage.model_folder("one") / "model.safetensors", b"weights")
        ask(client, project, dataset=dataset.pk, start=f"version:{version.pk}")
        training_run = TrainingRun.objects.get()
        assert (training_run.start, training_run.parent) == ("parent", version)
        assert (training_run.architecture, training_run.encoder) == ("fpn", "resnet18")

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"dataset": ""}, "Choose a data set."),
            ({"length": "own"}, "Say how many minutes it may take."),
            ({"length": "own", "own_minutes": "99999999"}, "less than or equal to 10080"),
            ({"start": "version:1"}, "This model version is not there any more."),
            ({"start": "the moon"}, "Choose what to start from."),
            ({"crop_px": "7"}, "greater than or equal to 32"),
            ({"encoder": "resnet34"}, "Random forest, the recommended network, has no encoder to choose."),
            ({"architecture": "segnet", "start": "hub"}, "SegNet has no encoder to give learnt weights to."),
        ],
    )
    def test_what_cannot_be_is_told_at_the_question(
        self, client: Client, project: Project, dataset: Dataset, changes: dict[str, Any], told: str
    ) -> None:
        answer = ask(client, project, **{"dataset": dataset.pk, **changes})
        assert answer.status_code == 422
        assert told in answer.content.decode()
        assert not TrainingRun.objects.exists()

    def test_data_without_validation_images_is_refused(self, client: Client, project: Project) -> None:
        bare = drawn_dataset(project, val=0)
        answer = ask(client, project, dataset=bare.pk)
        assert "no validation images" in answer.content.decode()
        assert not TrainingRun.objects.exists()


class TestWatching:
    def test_waiting(self, client: Client, project: Project, dataset: Dataset) -> None:
        first, second = (queued_training(project, dataset) for _ in range(2))
        assert "Waiting for the worker." in page(client, first)
        assert "1 training comes before it" in words(page(client, second))
        TrainingRun.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(minutes=5))
        assert "No worker has taken it up yet." in page(client, first)

    def test_learning_shows_curves_pictures_and_time_left(
        self, client: Client, project: Project, dataset: Dataset
    ) -> None:
        training_run = learned(queued_training(project, dataset), 4, preview_names=["5.png", "7.png"])
        shown = page(client, training_run)
        assert 'id="figure-loss"' in shown
        assert 'id="figure-iou"' in shown
        assert "about 1 minute left" in words(shown)
        assert f"/files/trainings/{training_run.pk}/previews/1/4" in shown
        assert f"/files/trainings/{training_run.pk}/previews/1/0" in shown
        assert 'max="4" value="4"' in shown
        assert "hx-get" in shown

    def test_update_brings_news_only_when_there_is_some(
        self, client: Client, project: Project, dataset: Dataset
    ) -> None:
        training_run = learned(queued_training(project, dataset), 4, preview_names=["5.png"])
        first = page(client, training_run, "status")
        assert 'id="training-previews" hx-swap-oob="true"' in first
        assert 'delay:1s"' in first
        again = page(client, training_run, "status", seen="running-4-False-False", pause="4")
        assert "training-previews" not in again
        assert 'delay:6s"' in again

    def test_while_the_best_is_judged_it_says_scoring(self, client: Client, project: Project, dataset: Dataset) -> None:
        training_run = learned(queued_training(project, dataset), 4, progress_fraction=1)
        shown = words(page(client, training_run))
        assert "Scoring the best on the validation images" in shown
        listed = words(client.get(f"/p/{project.slug}/models/").content.decode())
        assert "Running and failed trainings" in listed
        assert "Scoring" in listed
        assert "100%" not in listed

    def test_over(self, client: Client, project: Project, dataset: Dataset) -> None:
        training_run = learned(
            queued_training(project, dataset), 3, state="failed", error="The disk is full. Free some."
        )
        shown = page(client, training_run)
        assert "The disk is full. Free some." in shown
        assert "kept: trying again goes on from there" in shown
        assert "hx-get" not in shown
        learned(training_run, 0, state="cancelled", error="")
        assert "The training was cancelled." in page(client, training_run)

    def test_done_leads_to_the_version(self, client: Client, project: Project, dataset: Dataset) -> None:
        training_run = learned(queued_training(project, dataset), 3, state="done")
        version = ModelVersion.objects.create(
            project=project,
            number=1,
            architecture="unet",
            origin="trained",
            training_run=training_run,
            folder="one",
            weights_sha256="0" * 64,
        )
        shown = page(client, training_run)
        assert f"/p/{project.slug}/models/{version.number}/" in shown
        assert "It is not live yet" in shown

    def test_preview_pictures_are_served(self, client: Client, project: Project, dataset: Dataset) -> None:
        training_run = queued_training(project, dataset)
        storage.write(storage.preview_path(training_run.pk, 0, 2), b"RIFF....WEBP")
        answer = client.get(f"/files/trainings/{training_run.pk}/previews/0/2")
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
        assert b"".join(answer.streaming_content) == b"RIFF....WEBP"
        assert client.get(f"/files/trainings/{training_run.pk}/previews/0/3").status_code == 404

    def test_as_many_queries_for_many_epochs(
        self, client: Client, project: Project, dataset: Dataset, django_assert_max_num_queries: Any
    ) -> None:
        training_run = learned(queued_training(project, dataset), 60, preview_names=["5.png"])
        page(client, training_run)
        with django_assert_max_num_queries(16):
            page(client, training_run)


class TestEnding:
    def post(self, client: Client, training_run: TrainingRun, verb: str, **form: str) -> str:
        address = f"/p/{training_run.project.slug}/models/trainings/{training_run.pk}/{verb}"
        return words(client.post(address, form, follow=True).content.decode())

    def test_waiting_is_cancelled_at_once(self, client: Client, project: Project, dataset: Dataset) -> None:
        training_run = queued_training(project, dataset)
        assert "The training is cancelled." in self.post(client, training_run, "cancel")
        training_run.refresh_from_db()
        assert training_run.state == "cancelled"

    @pytest.mark.parametrize(("keep", "told"), [("1", "keeping the best so far"), ("0", "Ending")])
    def test_learning_is_asked_to_end(
        self, client: Client, project: Project, dataset: Dataset, keep: str, told: str
    ) -> None:
        training_run = learned(queued_training(project, dataset), 2)
        assert told in self.post(client, training_run, "cancel", keep=keep)
        training_run.refresh_from_db()
        assert training_run.cancel_requested_at is not None
        assert training_run.cancel_keeps_best == (keep == "1")

    def test_failed_is_tried_again_or_deleted(self, client: Client, project: Project, dataset: Dataset) -> None:
        training_run = learned(queued_training(project, dataset), 2, state="failed", error="Broken.")
        storage.write(storage.preview_path(training_run.pk, 0, 1), b"x")
        assert "goes on as soon as the worker is free" in self.post(client, training_run, "retry")
        assert "Only a training that failed" in self.post(client, training_run, "retry")
        assert "This training still goes on." in self.post(client, training_run, "delete")
        learned(training_run, 0, state="cancelled")
        assert "The training is deleted." in self.post(client, training_run, "delete")
        assert not TrainingRun.objects.exists()
