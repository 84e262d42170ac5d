"""The forest against scikit-learn, and whole pictures that the methods must learn."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier

from segmentation.architectures import build
from segmentation.classical.features import FeatureBank
from segmentation.classical.fit import ClassicalSettings, fit
from segmentation.classical.forest import flattened
from segmentation.classical.samples import draw_samples, features_at
from segmentation.onnx_writer import write_onnx
from segmentation.pair_store import PairStore
from segmentation.pairs import Pair, PairError
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec
from segmentation.weights import load_model, save_model
from tests.segmentation.models import LABELS, spec_of

METHODS = ("random-forest", "linear-svm", "rbf-svm")
QUICK = ClassicalSettings(
    pixels_per_label=300,
    tree_count=6,
    max_depth=8,
    component_count=64,
    scales=(1.0, 2.0, 4.0),
    uses_brightness=False,
)
PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (255.0, 255.0, 255.0)}


def surface(seed: int, size: int = 64) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Grey noise in a light of its own, with a bright bar (label 1) and a rough patch (label 2)."""
    rng = np.random.default_rng(seed)
    grey = rng.normal(100, 2, (size, size))
    mask = np.zeros((size, size), np.uint8)
    row, column = rng.integers(4, size // 2 - 12), rng.integers(4, size // 2)
    mask[row : row + 4, column : column + 24] = 1
    grey[mask == 1] += 60
    top, left = rng.integers(size // 2, size - 20, 2)
    mask[top : top + 16, left : left + 16] = 2
    grey[mask == 2] += rng.normal(0, 25, int((mask == 2).sum()))
    grey *= rng.uniform(0.6, 1.4)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2), mask


def pairs(count: int, first: int = 0) -> list[Pair]:
    return [Pair(f"surface-{seed}", lambda seed=seed: surface(seed)) for seed in range(first, first + count)]  # type: ignore[misc]


@pytest.fixture(scope="module", params=METHODS)
def fitted(request: pytest.FixtureRequest) -> tuple[ModelSpec, torch.nn.Module]:
    return fit(pairs(4), ModelSpec(request.param, LABELS), QUICK)


def test_the_forest_gives_the_probabilities_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(600, 5)).astype(np.float32)
    labels = np.where(values[:, 0] > 0, 3, np.where(values[:, 1] * values[:, 2] > 0, 1, 0))
    trees = RandomForestClassifier(7, random_state=0).fit(values, labels)
    forest = flattened(trees.estimators_, trees.classes_, 5)
    unseen = np.concatenate([rng.normal(size=(400, 5)).astype(np.float32), values])
    found = forest.probabilities(torch.from_numpy(unseen)).numpy()
    np.testing.assert_allclose(found[:, [0, 1, 3]], trees.predict_proba(unseen), atol=1e-6)
    assert not found[:, [2, 4]].any()


def test_a_value_on_the_threshold_goes_where_scikit_learn_sends_it() -> None:
    values = np.float32([[0.1], [0.2], [0.3], [0.4]])
    trees = RandomForestClassifier(5, bootstrap=False, random_state=0).fit(values, [0, 1, 0, 1])
    thresholds = np.unique([tree.tree_.threshold for tree in trees.estimators_]).astype(np.float32)[:, None]
    close = np.concatenate(
        [thresholds, np.nextafter(thresholds, np.float32(9)), np.nextafter(thresholds, np.float32(-9))]
    )
    found = flattened(trees.estimators_, trees.classes_, 2).probabilities(torch.from_numpy(close))
    np.testing.assert_allclose(found.numpy(), trees.predict_proba(close), atol=1e-7)


def test_each_method_learns_from_four_pictures(fitted: tuple[ModelSpec, torch.nn.Module]) -> None:
    spec, module = fitted
    segmenter = Segmenter.of_module(spec, module, device="cpu")
    hit = np.zeros((2, 3))
    for pair in pairs(3, first=100):
        rgb, truth = pair.read()
        mask = segmenter.segment([rgb])[0].mask
        for label in range(3):
            hit[:, label] += ((mask == label) & (truth == label)).sum(), ((mask == label) | (truth == label)).sum()
    assert (hit[0] / hit[1] > (0.9, 0.4, 0.4)).all()


def test_a_fitted_model_is_saved_and_loaded_bit_by_bit(
    fitted: tuple[ModelSpec, torch.nn.Module], tmp_path: Path
) -> None:
    spec, module = fitted
    save_model(tmp_path, spec, module, card="")
    loaded = load_model(tmp_path)
    pixels = torch.randn(2, 3, 33, 47, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(loaded.module(pixels), module(pixels))
    assert json.loads(json.dumps(dict(loaded.spec.options))) == dict(loaded.spec.options)


def test_a_spec_that_asks_for_evened_light_is_fitted_and_saved_without(tmp_path: Path) -> None:
    """Its features already look away from light; a network would be wrapped, and the files would not fit."""
    spec, module = fit(pairs(2), ModelSpec(METHODS[0], LABELS, evens_light=True), QUICK)
    save_model(tmp_path, spec, module, card="")
    assert (spec.evens_light, load_model(tmp_path).spec) == (False, spec)


def test_an_exported_model_gives_the_same_scores(fitted: tuple[ModelSpec, torch.nn.Module], tmp_path: Path) -> None:
    module = fitted[1]
    write_onnx(module, 3, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    pixels = torch.from_numpy(surface(9)[0][:50]).permute(2, 0, 1)[None].float() / 100 - 1
    with torch.inference_mode():
        expected = module(pixels).numpy()
    found = session.run(None, {"pixels": pixels.numpy()})[0]
    assert found.shape == expected.shape
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.999


def test_tiles_leave_no_seams(fitted: tuple[ModelSpec, torch.nn.Module]) -> None:
    spec, module = fitted
    rgb = np.concatenate([surface(seed)[0] for seed in range(20, 24)], axis=1)
    whole = Segmenter.of_module(spec, module, device="cpu").segment([rgb])[0].mask
    tiled = Segmenter.of_module(dataclasses.replace(spec, tile_px=96), module, device="cpu").segment([rgb])[0].mask
    assert (whole == tiled).mean() > 0.995


def test_importance_is_shares_by_name(fitted: tuple[ModelSpec, torch.nn.Module]) -> None:
    shares = fitted[0].options["feature_importance"]
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    # the pictures are grey: there is no colour to look at
    assert set(shares) == set(FeatureBank(**PLAIN, scales=QUICK.scales, uses_color=False).names)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_the_same_seed_gives_the_same_model() -> None:
    for method in METHODS:
        first, second = (fit(pairs(1), ModelSpec(method, LABELS), QUICK) for _ in range(2))
        assert first[0] == second[0]
        states = first[1].state_dict(), second[1].state_dict()
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_scribbles_are_enough() -> None:
    def scribbled() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        rgb, mask = surface(0)
        seen = np.zeros(mask.shape, bool)
        seen[::6] = True
        return rgb, np.where(seen, mask, 255).astype(np.uint8)

    spec, module = fit([Pair("scribbled", scribbled)], ModelSpec("random-forest", LABELS), QUICK)
    rgb, truth = surface(0)
    assert (Segmenter.of_module(spec, module, device="cpu").segment([rgb])[0].mask == truth).mean() > 0.85


def test_a_label_without_pixels_is_never_given(fitted: tuple[ModelSpec, torch.nn.Module]) -> None:
    labels = (*LABELS, dataclasses.replace(LABELS[1], index=3, name="never drawn"))
    spec, module = fit(pairs(2), ModelSpec(fitted[0].architecture, labels), QUICK)
    mask = Segmenter.of_module(spec, module, device="cpu").segment([surface(50)[0]])[0].mask
    assert set(np.unique(mask)) <= {0, 1, 2}


def test_brightness_is_looked_at_where_it_tells_labels_apart() -> None:
    def shaded(seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Two flat halves; only how bright they are says which is which."""
        rng = np.random.default_rng(seed)
        is_bright = bool(seed % 2)
        grey = rng.normal(170 if is_bright else 70, 3, (48, 48, 1)).clip(0, 255).astype(np.uint8)
        return np.repeat(grey, 3, axis=2), np.full((48, 48), int(is_bright), np.uint8)

    shades = [Pair(str(seed), lambda seed=seed: shaded(seed)) for seed in range(8)]  # type: ignore[misc]
    settings = dataclasses.replace(QUICK, uses_brightness=None, scales=(1.0, 2.0))
    spec, _ = fit(shades, ModelSpec("random-forest", LABELS), settings)
    assert spec.options["uses_brightness"] is True


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("method", METHODS)
def test_takes_any_number_of_channels(method: str, channels: int) -> None:
    network = build(spec_of(method, mean=(120.0,) * channels, std=(60.0,) * channels))
    with torch.inference_mode():
        assert network(torch.zeros(2, channels, 5, 7)).shape == (2, 3, 5, 7)


def test_all_pixels_of_a_rare_label_are_drawn() -> None:
    def rare() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        rgb, mask = surface(0)
        return rgb, np.where(mask == 2, 0, mask)

    spec = ModelSpec("random-forest", LABELS)
    bank = FeatureBank(spec.mean, spec.std, (1.0,))
    store = PairStore([Pair("a", rare), *pairs(3, first=1)], 3)
    samples = draw_samples(store, spec, bank, pixels_per_label=400, picture_count=9, seed=0)
    drawn = np.bincount(samples.labels)
    assert drawn[1] == 4 * 96
    assert 400 <= drawn[2] <= 403
    assert drawn[0] == 2000
    assert samples.weights.sum() == pytest.approx(4 * 64 * 64)


def test_of_many_pictures_those_with_rare_labels_are_looked_at() -> None:
    def clean(seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        return surface(seed)[0], np.zeros((64, 64), np.uint8)

    many = [Pair(f"clean-{seed}", lambda seed=seed: clean(seed)) for seed in range(12)]  # type: ignore[misc]
    spec = ModelSpec("random-forest", LABELS)
    store = PairStore([*many, *pairs(2)], 3)
    bank = FeatureBank(spec.mean, spec.std, (1.0,))
    samples = draw_samples(store, spec, bank, pixels_per_label=50, picture_count=4, seed=0)
    assert {12, 13} < set(samples.pictures.tolist())
    assert len(set(samples.pictures.tolist())) == 4


def test_features_of_a_large_picture_are_those_of_its_tiles() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (90, 800, 3)).astype(np.uint8)
    spec = ModelSpec("random-forest", LABELS)
    bank = FeatureBank(spec.mean, spec.std, (1.0, 8.0))
    places = np.random.default_rng(1).integers(0, 90 * 800, 200)
    whole = bank(
        torch.from_numpy(
            (rgb.transpose(2, 0, 1)[None] - np.reshape(spec.mean, (1, 3, 1, 1))) / np.reshape(spec.std, (1, 3, 1, 1))
        ).float()
    )
    expected = whole[0].reshape(len(bank.names), -1)[:, places].T.numpy()
    np.testing.assert_allclose(features_at(rgb, places, spec, bank), expected, atol=1e-3)


def test_what_cannot_be_learned_from_says_why() -> None:
    spec = ModelSpec("random-forest", LABELS)
    with pytest.raises(ValueError, match="at least one labelled picture"):
        fit([], spec, QUICK)
    with pytest.raises(PairError, match="no pixel of these pictures is labelled"):
        fit([Pair("a", lambda: (surface(0)[0], np.full((64, 64), 255, np.uint8)))], spec, QUICK)
    with pytest.raises(PairError, match="the test split, which is locked"):
        fit([Pair("a", lambda: surface(0), is_held_out=True)], spec, QUICK)
    with pytest.raises(ValueError, match="not fitted this way"):
        fit(pairs(1), ModelSpec("unet", LABELS), QUICK)
    with pytest.raises(ValueError, match="tree_count must be at least 1"):
        ClassicalSettings(tree_count=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"scales": "fine"}, "rising numbers"), ({"smoothing_px": -1}, "smoothing_px"), ({"depth": 1000}, "depth")],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(spec_of("random-forest", options=options))
