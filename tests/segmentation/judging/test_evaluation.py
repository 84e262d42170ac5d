"""A whole evaluation: the nearest-colour model does exactly what the picture's colours say."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from segmentation.evaluation import Evaluation, evaluate
from segmentation.finishing import finished_spec
from segmentation.judging.temperature import fit_temperature
from segmentation.model_card import model_card
from segmentation.operating_point import choose_operating_point, operating_point
from segmentation.pairs import Pair
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.train_settings import TrainSettings
from segmentation.weights import save_model
from tests.segmentation.models import BLUE, GREY, LABELS, RED, seeded, segmenter, spec_of

KEYS = {
    *("iou", "mean_iou", "mean_defect_iou", "missed_per_1000", "rejected_per_1000", "precision", "recall"),
    *("min_region_px", "image_count", "defective_count", "seconds_per_image"),
    *("dice", "precision_per_label", "recall_per_label", "boundary_f1", "confusion", "regions", "counts"),
    *("calibration", "sweep", "images"),
}


def pair(name: str, *, red: int = 0, blue: int = 0, true_red: int | None = None) -> Pair:
    """64 × 64: a red and a blue square of these sides; the truth has another red side where it is given."""
    rgb = np.full((64, 64, 3), GREY, np.uint8)
    rgb[2 : 2 + red, 2 : 2 + red], rgb[40 : 40 + blue, 40 : 40 + blue] = RED, BLUE
    truth = np.zeros((64, 64), np.uint8)
    side = red if true_red is None else true_red
    truth[2 : 2 + side, 2 : 2 + side], truth[40 : 40 + blue, 40 : 40 + blue] = 1, 2
    return Pair(name, lambda: (rgb, truth))


PAIRS = [pair("day/a", red=20), pair("day/b", blue=5), pair("night/c"), pair("night/d", red=4, true_red=0)]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    model = segmenter(tmp_path_factory.mktemp("model"))
    return evaluate(model, PAIRS, slices={row.name: row.name.split("/")[0] for row in PAIRS})


def test_scores_by_hand(result: Evaluation) -> None:
    scores = result.as_json()
    assert set(scores) >= KEYS
    assert json.loads(json.dumps(scores)) == scores
    assert scores["labels"] == ["ground", "red", "blue"]
    red = 400 / 416
    assert scores["iou"]["red"] == scores["precision_per_label"]["red"] == red
    assert scores["dice"]["red"] == pytest.approx(800 / 816)
    assert scores["recall_per_label"]["red"] == 1
    assert scores["confusion"] == [[4 * 4096 - 441, 16, 0], [0, 400, 0], [0, 0, 25]]
    assert scores["boundary_f1"] == {"ground": pytest.approx(2 / 3), "red": 0.5, "blue": 1}
    assert scores["counts"] == {"defective": 2, "good": 2, "missed": 0, "rejected": 1}
    tiny, small = scores["regions"]["red"][:2]
    assert tiny == {"size": "tiny", "from_px": 1, "to_px": 99, "found": 0, "missed": 0, "false": 1}
    assert (small["found"], small["missed"], small["false"]) == (1, 0, 0)
    assert scores["images"][3] == {
        "name": "night/d",
        "is_defective": False,
        "fails": True,
        "largest_region_px": 16,
        "mean_iou": pytest.approx((4080 / 4096) / 2),
    }


def test_confidence_of_a_model_that_is_always_sure(result: Evaluation) -> None:
    """16 of 16,384 pixels are wrong, each with a confidence of 1; half of each picture's pixels are looked at.

    Of 441 pixels that are marked as a defect 16 are none."""
    found = result.as_json()["calibration"]
    assert found["temperature"] == 1
    assert found["ece_after"] == found["ece_before"] == pytest.approx(16 / 16384, abs=8 / 8192)
    assert found["ece_defects_after"] == pytest.approx(16 / 441, abs=0.03)
    (only,) = found["bins"]
    assert (only["confidence"], only["pixels"]) == (pytest.approx(1), 4 * 2048)


def test_every_slice_on_its_own(result: Evaluation) -> None:
    slices = result.as_json()["slices"]
    assert slices["day"] == {
        "image_count": 2,
        "mean_iou": 1.0,
        "mean_defect_iou": 1.0,
        "defective": 2,
        "good": 0,
        "missed": 0,
        "rejected": 0,
    }
    assert (slices["night"]["good"], slices["night"]["rejected"], slices["night"]["mean_defect_iou"]) == (2, 1, 0)


def test_the_models_own_thresholds_judge_and_one_given_stands_for_all(tmp_path: Path) -> None:
    """From 17 red pixels on an image fails, from 26 blue ones."""
    labels = tuple(
        dataclasses.replace(label, min_region_px=own) for label, own in zip(LABELS, (None, 17, 26), strict=True)
    )
    spec = dataclasses.replace(spec_of("nearest-color"), labels=labels)
    save_model(tmp_path, spec, seeded(spec), card="for a test")
    model = Segmenter(tmp_path, device="cpu")
    masks: dict[str, np.ndarray] = {}
    own = evaluate(model, PAIRS, on_mask=masks.__setitem__)
    assert [row.fails for row in own.verdicts] == [True, False, False, False]
    assert own.as_json()["label_min_region_px"] == {"red": 17, "blue": 26}
    assert 26 in [point["min_region_px"] for point in own.as_json()["sweep"]["blue"]]
    assert [int((masks[row.name] > 0).sum()) for row in PAIRS] == [400, 25, 0, 16]
    given = evaluate(model, PAIRS, min_region_px=1)
    assert [row.fails for row in given.verdicts] == [True, True, False, True]
    assert given.point.label_limits == {}


def test_labels_the_model_does_not_know_count_as_missed(tmp_path: Path) -> None:
    truth = np.full((64, 64), 3, np.uint8)
    burr = dataclasses.replace(LABELS[1], index=3, name="burr")
    picture = Pair("x", lambda: (np.full((64, 64, 3), GREY, np.uint8), truth))
    found = evaluate(segmenter(tmp_path), [picture], labels=[*LABELS, burr])
    assert (found.point.missed_count, found.agreement.recall(3)) == (1, 0)
    assert found.calibration.error_after == pytest.approx(1, abs=1e-6)


def test_without_pictures_there_is_nothing_to_say(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one labelled picture"):
        evaluate(segmenter(tmp_path), [])


def test_the_card_says_it_all(tmp_path: Path, result: Evaluation) -> None:
    settings = TrainSettings(epochs=3, checkpoint_folder=tmp_path, initial_model=tmp_path / "parts-1")
    limits = {2: 26}
    card = model_card(
        title="Test",
        summary="Finds squares.",
        data=["Drawn, checksum abc."],
        spec=spec_of("nearest-color"),
        settings=settings,
        steps=7,
        evaluation=dataclasses.replace(result, point=operating_point(result.outcomes, 1, limits)),
        evaluated_on="four pictures",
        limits=["Squares only."],
        licence="MIT",
    )
    assert "| red | 0.962 | 0.980 | 0.962 | 1.000 | 0.500 | 400 |" in card
    assert "at least **1 pixels** (**26** for blue)" in card
    assert "| night | 2 | 0.499 | 0.000 | 0 of 0 | 1 of 2 |" in card
    assert "| red | small (from 100 px) | 1 | 0 | 0 |" in card
    assert "Not calibrated. Expected calibration error on these pictures: 0.00" in card
    assert "| initial model | parts-1 |" in card
    assert str(tmp_path) not in card


def test_a_trained_network_gets_its_thresholds_and_its_temperature(tmp_path: Path) -> None:
    model = segmenter(tmp_path)
    outcomes = evaluate(model, PAIRS).outcomes
    spec = finished_spec(spec_of("nearest-color"), seeded(spec_of("nearest-color")), outcomes, PAIRS, device="cpu")
    assert spec.min_region_px == choose_operating_point(outcomes).min_region_px
    assert (spec.defect_offset, spec.mirrors) == (0, ())
    assert spec.temperature == fit_temperature(model, PAIRS) != 1
    assert [label.min_region_px for label in spec.labels] == [None, None, None]


class Onesided(nn.Module):
    """Sees red, but everything the redder the farther left it is shown."""

    def __init__(self, lean: float) -> None:
        super().__init__()
        self.lean = lean

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        red = pixels[:, :1] - pixels[:, 1:2]
        lean = torch.linspace(self.lean, -self.lean, red.shape[-1]).expand_as(red)
        return torch.cat([torch.zeros_like(red), red + lean], dim=1)


def test_mirrored_views_are_kept_where_they_help() -> None:
    labels = (LabelSpec(0, "metal", "#808080"), LabelSpec(1, "rust", "#aa0000", is_defect=True))
    spec = ModelSpec("unet", labels, mean=(0.0,) * 3, std=(100.0,) * 3)
    rgb = np.full((8, 40, 3), 100, np.uint8)
    rgb[:, 5:35:4] = (190, 80, 80)
    truth = np.zeros((8, 40), np.uint8)
    truth[:, 5:35:4] = 1
    pairs = [Pair(f"{place}.png", lambda: (rgb, truth)) for place in range(5)]
    both = ("horizontally", "vertically")
    outcomes = evaluate(Segmenter.of_module(spec, Onesided(3).eval(), device="cpu"), pairs).outcomes

    def mirrors(lean: float, tried: tuple[str, ...] = both) -> tuple[str, ...]:
        return finished_spec(spec, Onesided(lean).eval(), outcomes, pairs, device="cpu", mirrors=tried).mirrors

    assert mirrors(3) == both
    assert mirrors(3, ()) == ()
    assert mirrors(0) == (), "nothing to gain"
