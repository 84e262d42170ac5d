"""Fit a classical method to labelled or scribbled pictures, in seconds.

fitted_spec, module = fit(train_pairs, spec, ClassicalSettings(seed=1))
save_model(folder, fitted_spec, module, card=...)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from segmentation.agreement import Agreement
from segmentation.classical.features import FeatureBank
from segmentation.classical.fit_forest import fit_forest
from segmentation.classical.fit_svm import fit_linear_svm, fit_rbf_svm
from segmentation.classical.network import ROWS_AT_ONCE, ClassicalNetwork
from segmentation.classical.samples import Samples, draw_samples
from segmentation.classical.settings import ClassicalSettings, Fitted
from segmentation.pair_store import PairStore
from segmentation.pairs import Pair, refuse_held_out
from segmentation.spec import ModelSpec

__all__ = ["ClassicalSettings", "fit"]

FOLDS = 4
SMOOTHING_PX = 1.5
LARGEST_TILE_PX = 640
MEMORY_BYTES = 512 * 1024**2

POWERS = (0.0, 0.15, 0.3, 0.5, 0.75, 1.0)
"""How much of a label's true share of the pictures goes into its score: 0 = as in the sample, 1 = all of it."""

DEFAULT_POWER = 0.15
LEAST_COLOR = 1e-3
TRIAL_SHARE = 4
"""Trials grow a fourth of the trees: enough to compare."""

Learn = Callable[[Samples, ClassicalSettings], Fitted]
_LEARN: dict[str, Learn] = {"random-forest": fit_forest, "linear-svm": fit_linear_svm, "rbf-svm": fit_rbf_svm}


def fit(
    train_pairs: Sequence[Pair], spec: ModelSpec, settings: ClassicalSettings | None = None
) -> tuple[ModelSpec, nn.Module]:
    """Fit `spec.architecture` ("random-forest", "linear-svm" or "rbf-svm").

    Gives the spec to save with the module: its `options` hold sizes, `feature_importance` {name: share},
    `halo_px`, `scales`. What the pictures must decide (how freely rare labels are given, whether brightness helps) is
    tried on pictures that were left out of learning, four folds by picture. ValueError for another
    architecture or no pictures, PairError where a pair cannot be used or belongs to the test split.
    """
    settings = settings or ClassicalSettings()
    if spec.architecture not in _LEARN:
        raise ValueError(f"{spec.architecture} is not fitted this way: take one of {', '.join(_LEARN)}")
    if not train_pairs:
        raise ValueError("there is nothing to learn from: expected at least one labelled picture")
    refuse_held_out(train_pairs)
    learn = _LEARN[spec.architecture]
    bank = FeatureBank(spec.mean, spec.std, settings.scales, uses_brightness=settings.uses_brightness is not False)
    store = PairStore(
        train_pairs, len(spec.labels), max_side_px=spec.max_side_px, scale=spec.scale, memory_bytes=MEMORY_BYTES
    )
    samples = draw_samples(
        store,
        spec,
        bank,
        pixels_per_label=settings.pixels_per_label,
        picture_count=settings.picture_count,
        seed=settings.seed,
    )
    if not _has_color(samples, bank):
        samples, bank = _narrowed(samples, bank, spec, uses_color=False)
    power, uses_brightness = _tried_out(samples, bank, learn, settings)
    if not uses_brightness:
        samples, bank = _narrowed(samples, bank, spec, uses_brightness=False)
    fitted = learn(samples, settings)
    network = ClassicalNetwork(bank, fitted.classifier, len(spec.labels), SMOOTHING_PX)
    network.get_buffer("label_offset").copy_(torch.from_numpy(power * _prior(samples)))
    return _fitted_spec(spec, bank, fitted), network.eval()


def _fitted_spec(spec: ModelSpec, bank: FeatureBank, fitted: Fitted) -> ModelSpec:
    ranked = np.argsort(-fitted.importance, kind="stable")
    options = {
        "scales": list(bank.scales),
        "uses_brightness": bank.uses_brightness,
        "uses_color": bank.uses_color,
        "smoothing_px": SMOOTHING_PX,
        "halo_px": bank.halo_px,
        **fitted.options,
        "feature_importance": {bank.names[place]: round(float(fitted.importance[place]), 5) for place in ranked},
    }
    # Its features were taken of the picture as it is.
    return dataclasses.replace(spec, options=options, tile_px=min(spec.tile_px, LARGEST_TILE_PX), evens_light=False)


def _has_color(samples: Samples, bank: FeatureBank) -> bool:
    """Whether any channel of any picture differs from the others; grey photos would be split by rounding errors."""
    colors = [place for place, name in enumerate(bank.names) if name.startswith("colour ")]
    return bool(colors) and float(np.abs(samples.values[:, colors]).max()) > LEAST_COLOR


def _narrowed(
    samples: Samples, bank: FeatureBank, spec: ModelSpec, *, uses_brightness: bool = True, uses_color: bool = True
) -> tuple[Samples, FeatureBank]:
    """The same samples without some of their features, and the bank that gives just those that are left."""
    narrower = FeatureBank(
        spec.mean,
        spec.std,
        bank.scales,
        uses_brightness=bank.uses_brightness and uses_brightness,
        uses_color=bank.uses_color and uses_color,
    )
    columns = [bank.names.index(name) for name in narrower.names]
    return dataclasses.replace(samples, values=samples.values[:, columns]), narrower


def _tried_out(samples: Samples, bank: FeatureBank, learn: Learn, settings: ClassicalSettings) -> tuple[float, bool]:
    """The power of the labels' true shares and whether to look at brightness, by the mean IoU of left-out pictures."""
    choices = [bank.uses_brightness] if settings.uses_brightness is not None else [False, True]
    if len(np.unique(samples.pictures)) < 2 or len(samples.present) < 2:
        return DEFAULT_POWER, choices[0]
    trial = dataclasses.replace(settings, tree_count=max(4, settings.tree_count // TRIAL_SHARE))
    plain = [place for place, name in enumerate(bank.names) if not name.startswith("brightness, ")]
    scores: dict[tuple[float, bool], float] = {}
    for uses in choices:
        seen = samples if uses else dataclasses.replace(samples, values=samples.values[:, plain])
        left_out = _left_out_scores(seen, learn, trial)
        for power in POWERS:
            scores[power, uses] = _mean_iou(samples, left_out + power * _prior(samples))
    return max(scores, key=lambda choice: scores[choice])


def _left_out_scores(samples: Samples, learn: Learn, settings: ClassicalSettings) -> npt.NDArray[np.float32]:
    """Log scores float32 (M, K) of every sample by a classifier that has not seen its picture."""
    scores = np.empty((len(samples.labels), len(samples.pixels)), np.float32)
    folds = _folds(samples)
    for fold in np.unique(folds):
        classifier = learn(samples.of(folds != fold), settings).classifier
        held = torch.from_numpy(samples.values[folds == fold])
        with torch.inference_mode():
            scores[folds == fold] = torch.cat([classifier(part) for part in held.split(ROWS_AT_ONCE)]).numpy()
    return scores


def _folds(samples: Samples) -> npt.NDArray[np.int64]:
    """The fold (M,) each sample is left out in; whole pictures, those with the same rarest label dealt in turn."""
    carriers = {label: len(np.unique(samples.pictures[samples.labels == label])) for label in samples.present}
    pictures = np.unique(samples.pictures)

    def rarest(picture: int) -> tuple[int, int, int]:
        shown = np.unique(samples.labels[samples.pictures == picture])
        label = min(shown, key=lambda shown_label: (carriers[shown_label], shown_label))
        return carriers[label], int(label), picture

    fold_of = {picture: place % FOLDS for place, picture in enumerate(sorted(pictures.tolist(), key=rarest))}
    return np.array([fold_of[picture] for picture in samples.pictures.tolist()], np.int64)


def _prior(samples: Samples) -> npt.NDArray[np.float32]:
    """Log of how much commoner each label is in the pictures than in the sample, float32 (K,); 0 where unknown."""
    drawn = np.bincount(samples.labels, minlength=len(samples.pixels))
    true, sampled = samples.pixels / samples.pixels.sum(), drawn / drawn.sum()
    known = (true > 0) & (sampled > 0)
    return np.where(known, np.log(np.where(known, true, 1) / np.where(known, sampled, 1)), 0).astype(np.float32)


def _mean_iou(samples: Samples, scores: npt.NDArray[np.float32]) -> float:
    """Mean IoU over the labels, each sample counting for as many pixels as it stands for."""
    count = len(samples.pixels)
    flat = samples.labels * count + scores.argmax(axis=1)
    counts = np.bincount(flat, weights=samples.weights, minlength=count**2).reshape(count, count)
    return Agreement(np.rint(counts).astype(np.int64)).mean_iou(frozenset(samples.present.tolist())) or 0.0
