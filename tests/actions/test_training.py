"""Which networks a training can be asked for, and what is refused before anything is queued."""

from __future__ import annotations

from typing import Any

import pytest

from segmentation.architectures import build
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.weights import save_model
from tests.trainings import drawn_dataset
from webapp import storage
from webapp.actions.refused import Refused
from webapp.actions.training import TrainingWish, start_training
from webapp.actions.training_advice import start_choices
from webapp.models import ModelVersion, Project, TrainingRun

LABELS = (LabelSpec(0, "background", "#000000"), LabelSpec(1, "scratch", "#ff0000", is_defect=True))
ENCODER, OTHER_ENCODER = "tu-mobilenetv3_small_100", "tu-mobilenetv3_small_050"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks the hub."""
    monkeypatch.setattr("segmentation.transfer.hub_answers", lambda: False)


def version(project: Project, architecture: str, number: int = 1, **spec: Any) -> ModelVersion:
    """An untrained model of the project, as a training leaves one."""
    model = ModelSpec(architecture, LABELS, **spec)
    save_model(storage.model_folder(f"model-{number}"), model, build(model), card="")
    return ModelVersion.objects.create(
        project=project,
        number=number,
        architecture=architecture,
        encoder=model.encoder or "",
        origin=ModelVersion.Origin.IMPORTED,
        folder=f"model-{number}",
        weights_sha256="0" * 64,
    )


def ask(project: Project, **wish: Any) -> TrainingRun:
    """On 16 images: enough for a network to be recommended."""
    dataset = project.datasets.first() or drawn_dataset(project, train=16)
    return start_training(project=project, user=None, wish=TrainingWish(dataset=dataset, minutes=1, **wish))


@pytest.mark.parametrize(
    ("wish", "field", "told"),
    [
        ({"encoder": "resnet34"}, "encoder", "Light LinkNet, the recommended network, has no encoder to choose. Leave"),
        ({"architecture": "segnet", "encoder": "resnet34"}, "encoder", "SegNet has no encoder to choose."),
        ({"start": "hub"}, "start", "the recommended network, has no encoder to give learnt weights to. Start from"),
        ({"architecture": "random-forest", "start": "folder"}, "start", "Random forest has no encoder"),
        ({"options": {"width": 8}}, "options", "Name the architecture that has them."),
    ],
)
def test_what_a_network_does_not_have_is_refused(project: Project, wish: dict[str, Any], field: str, told: str) -> None:
    with pytest.raises(Refused, match=told) as refused:
        ask(project, **wish)
    assert refused.value.field == field
    assert not TrainingRun.objects.exists()


def test_options_are_those_of_the_named_architecture(project: Project) -> None:
    assert ask(project, architecture="segnet").settings["options"] == {"width": 24}
    assert ask(project, architecture="segnet", options={"width": 8}).settings["options"] == {"width": 8}


class TestFromAVersion:
    @pytest.mark.parametrize(
        ("architecture", "spec", "wish", "told"),
        [
            ("segnet", {"options": {"width": 8}}, {"architecture": "linknet-light"}, "another kind of network .SegNet"),
            ("segnet", {"options": {"width": 8}}, {"encoder": "resnet34"}, "another encoder .its own, not resnet34"),
            ("lraspp", {"encoder": ENCODER}, {"encoder": OTHER_ENCODER}, "Name no kind of network and no encoder"),
            ("lraspp", {"encoder": ENCODER}, {"architecture": "segnet"}, "another encoder"),
            ("nearest-color", {"mean": (0.0,) * 3, "std": (1.0,) * 3}, {}, "in another way.* Choose another start"),
        ],
    )
    def test_where_nothing_of_it_fits_is_refused(
        self, project: Project, architecture: str, spec: dict[str, Any], wish: dict[str, Any], told: str
    ) -> None:
        parent = version(project, architecture, **spec)
        with pytest.raises(Refused, match=f"cannot start from version 1.*{told}") as refused:
            ask(project, start="parent", parent=parent, **wish)
        assert refused.value.field == "parent"
        assert not TrainingRun.objects.exists()

    def test_its_network_is_taken_over_whether_named_or_not(self, project: Project) -> None:
        parent = version(project, "segnet", options={"width": 8})
        for wish in ({}, {"architecture": "segnet"}):
            training_run = ask(project, start="parent", parent=parent, **wish)
            assert (training_run.architecture, training_run.settings["options"]) == ("segnet", {"width": 8})

    def test_another_network_with_its_encoder_keeps_that(self, project: Project) -> None:
        parent = version(project, "lraspp", encoder=ENCODER)
        training_run = ask(project, start="parent", parent=parent, architecture="fpn", encoder=ENCODER)
        assert (training_run.architecture, training_run.encoder) == ("fpn", ENCODER)
        assert training_run.settings["options"]["decoder_pyramid_channels"] == 96

    def test_the_page_offers_what_would_be_accepted(self, project: Project) -> None:
        segnet = version(project, "segnet", 1, options={"width": 8})
        lraspp = version(project, "lraspp", 2, encoder=ENCODER)

        def offered(own_architecture: str = "", own_encoder: str = "") -> list[tuple[bool, str]]:
            choices = start_choices(
                project,
                architecture=own_architecture or "linknet-light",
                encoder=own_encoder or None,
                own_architecture=own_architecture,
                own_encoder=own_encoder,
            )
            found = {choice.value: (choice.is_usable, choice.why) for choice in choices}
            return [found[f"version:{row.pk}"] for row in (segnet, lraspp)]

        keeps = (True, "Keeps what it has learned; labels that it does not know start from nothing.")
        assert offered() == [keeps, keeps]
        assert offered("segnet") == [
            keeps,
            (False, f"It sees with another encoder ({ENCODER}, not none): nothing fits."),
        ]
        strange, _ = offered("segformer")
        assert strange == (False, "It is another kind of network (SegNet, not SegFormer): nothing fits.")
        _, partly = offered("fpn", ENCODER)
        assert partly == (
            True,
            "Keeps what its encoder has learned; the rest is another network and starts from nothing.",
        )

    def test_a_folder_that_is_gone_is_not_named_by_its_place(self, project: Project) -> None:
        parent = ModelVersion.objects.create(
            project=project, number=1, architecture="unet", origin="imported", folder="gone", weights_sha256="0" * 64
        )
        with pytest.raises(Refused, match="There is no whole model in its folder"):
            ask(project, start="parent", parent=parent)
