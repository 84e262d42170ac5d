"""The offset that takes back how often a network marks defects: counts against plain argmax, and when it is taken."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segmentation.judging.defect_offset import OFFSETS, FittedOffset, fit_defect_offset, offset_counts
from segmentation.pairs import Pair
from segmentation.segmenter import Segmenter
from segmentation.spec import IGNORE_INDEX, LabelSpec, ModelSpec
from tests.segmentation.models import seeded, spec_of

View = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
LABELS = (
    LabelSpec(0, "metal", "#808080"),
    LabelSpec(1, "rust", "#aa0000", is_defect=True),
    LabelSpec(2, "dent", "#00aa00", is_defect=True),
)
SPEC = ModelSpec("unet", labels=LABELS)


@dataclass(frozen=True)
class Scores:
    """Stands where a network would: a picture's red and green are the leads of the two defect labels, in tenths."""

    spec: ModelSpec = SPEC

    def logit_bands(self, picture: npt.NDArray[np.uint8]) -> Iterator[tuple[int, torch.Tensor]]:
        logits = np.zeros((3, *picture.shape[:2]), np.float32)
        logits[1:] = (picture[:, :, :2].transpose(2, 0, 1).astype(np.float32) - 128) / 10
        yield 0, torch.from_numpy(logits[:, :1])
        yield 1, torch.from_numpy(logits[:, 1:])


def leads(rust: list[int], truth: list[int], name: str = "part") -> Pair:
    """A picture two rows high whose columns have these leads of rust, in tenths, and these labels."""
    rgb = np.zeros((2, len(rust), 3), np.uint8)
    rgb[:, :, 0] = 128 + np.array(rust)
    return Pair(name, lambda: (rgb, np.array([truth, truth], np.uint8)))


def test_counts_are_those_of_argmax_under_every_offset() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (5, 6, 7)).astype(np.float32)
    truth = rng.integers(0, 5, (6, 7)).astype(np.uint8)
    truth[0, :3] = IGNORE_INDEX
    counts = offset_counts(logits, truth, frozenset({1, 3}))
    judged = truth != IGNORE_INDEX
    for place, offset in enumerate(OFFSETS):
        moved = logits.copy()
        moved[[1, 3]] += offset
        mask = moved.argmax(axis=0)
        for label in range(5):
            assert counts.predicted[place, label] == ((mask == label) & judged).sum()
            assert counts.right[place, label] == ((mask == label) & (truth == label)).sum()
            assert counts.truth[label] == (truth == label).sum()


def test_what_a_network_marks_too_much_is_taken_back() -> None:
    pairs = [leads([40, 30, 14, 13, 12, -20], [1, 1, 0, 0, 0, 0]) for _ in range(10)]
    offset = fit_defect_offset(Scores(), pairs).offset
    assert -3 < offset < -1.3


def test_what_a_network_marks_too_little_is_added() -> None:
    assert 0.9 < fit_defect_offset(Scores(), [leads([-8, -9, -40], [1, 1, 0]) for _ in range(10)]).offset < 4


def test_a_network_that_is_right_keeps_its_logits() -> None:
    assert fit_defect_offset(Scores(), [leads([30, 20, -20], [1, 1, 0]) for _ in range(10)]) == FittedOffset(0, 1)


def test_an_offset_that_only_suits_the_pictures_it_was_chosen_on_is_refused() -> None:
    # In one picture of five all that is marked is wrong, with the very leads that are right in the others.
    pairs = [leads([20, 18, -30], [1, 1, 0])] * 4 + [leads([20, 18, -30], [0, 0, 0])]
    assert fit_defect_offset(Scores(), pairs).offset == 0


def test_without_defects_there_is_nothing_to_choose() -> None:
    plain = tuple(dataclasses.replace(label, is_defect=False) for label in LABELS)
    assert fit_defect_offset(Scores(dataclasses.replace(SPEC, labels=plain)), [leads([9, -9], [1, 1])]).offset == 0
    assert fit_defect_offset(Scores(dataclasses.replace(SPEC, labels=plain)), [leads([9, -9], [1, 1])]).mean_iou == 0.5
    assert fit_defect_offset(Scores(), []) == FittedOffset(0, 0)


def test_the_segmenter_adds_it_to_defect_labels_only() -> None:
    spec = dataclasses.replace(spec_of("nearest-color"), labels=LABELS)
    picture = np.random.default_rng(1).integers(0, 256, (8, 9, 3), np.uint8)
    plain = Segmenter.of_module(spec, seeded(spec), device="cpu").logits(picture)
    moved = dataclasses.replace(spec, defect_offset=-2.5)
    found = Segmenter.of_module(moved, seeded(spec), device="cpu").logits(picture)
    np.testing.assert_array_equal(found[0], plain[0])
    np.testing.assert_array_equal(found[1:], plain[1:] - np.float32(2.5))
    assert ModelSpec.from_json(moved.to_json()) == moved


@pytest.mark.parametrize(
    ("mirrors", "views"),
    [
        (("horizontally",), [lambda x: x, lambda x: x[:, ::-1]]),
        (("vertically",), [lambda x: x, lambda x: x[::-1]]),
        (
            ("horizontally", "vertically"),
            [lambda x: x, lambda x: x[:, ::-1], lambda x: x[::-1], lambda x: x[::-1, ::-1]],
        ),
    ],
)
def test_mirrored_views_are_averaged(mirrors: tuple[str, ...], views: list[View]) -> None:
    spec = dataclasses.replace(spec_of("unet"), labels=LABELS)
    network = seeded(spec)
    picture = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)
    plain = Segmenter.of_module(spec, network, device="cpu")
    expected = np.mean(
        [view(plain.logits(np.ascontiguousarray(view(picture))).transpose(1, 2, 0)) for view in views], 0
    )
    moved = dataclasses.replace(spec, mirrors=mirrors)
    found = Segmenter.of_module(moved, network, device="cpu").logits(picture)
    np.testing.assert_allclose(found.transpose(1, 2, 0), expected, atol=1e-4)
    assert ModelSpec.from_json(moved.to_json()).mirrors == mirrors


def test_other_directions_are_refused() -> None:
    with pytest.raises(ValueError, match="horizontally, vertically, not"):
        dataclasses.replace(SPEC, mirrors=("diagonally",))


def test_an_offset_is_a_number() -> None:
    with pytest.raises(ValueError, match="offset of defect labels"):
        dataclasses.replace(SPEC, defect_offset=float("nan"))
