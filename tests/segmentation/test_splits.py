"""Splits: grouped, stratified, repeatable; the test split stays what it is."""

from __future__ import annotations

import pytest

from segmentation.datasets.splits import (
    joined_groups,
    missing_labels,
    split_by_groups,
    split_train_and_validation_anew,
)

NAMES = [f"{number:03}" for number in range(120)]
PARTS = [number // 4 for number in range(120)]
SHOWN = [
    frozenset({0, 1} if number // 4 % 5 == 0 else {0, 2} if number // 4 % 7 == 3 else {0}) for number in range(120)
]


def sides(splits: dict[str, tuple[str, ...]]) -> dict[str, set[int]]:
    return {split: {PARTS[int(name)] for name in names} for split, names in splits.items()}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_group_is_on_one_side_and_every_label_on_each(seed: int) -> None:
    splits = split_by_groups(NAMES, PARTS, SHOWN, seed=seed)
    assert sorted(name for names in splits.values() for name in names) == NAMES
    parts = sides(splits)
    assert not parts["train"] & parts["val"]
    assert not parts["train"] & parts["test"]
    assert not parts["val"] & parts["test"]
    for names in splits.values():
        assert set().union(*(SHOWN[int(name)] for name in names)) == {0, 1, 2}
    assert 70 <= len(splits["train"]) <= 92


def test_a_seed_repeats_and_another_deals_otherwise() -> None:
    first = split_by_groups(NAMES, PARTS, SHOWN, seed=1)
    assert first == split_by_groups(NAMES, PARTS, SHOWN, seed=1)
    assert first != split_by_groups(NAMES, PARTS, SHOWN, seed=2)


def test_a_split_of_no_share_stays_empty() -> None:
    splits = split_by_groups(NAMES, PARTS, SHOWN, {"train": 0.8, "val": 0.2, "test": 0.0})
    assert splits["test"] == ()
    assert len(splits["train"]) + len(splits["val"]) == 120


def test_lists_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        split_by_groups(NAMES, PARTS[:5], SHOWN)


def test_groupings_are_joined() -> None:
    batch = ["a", "a", "b", "b", "c", None, None]
    day = [1, 2, 2, 3, 4, None, 4]
    groups = joined_groups(batch, day)
    assert len({groups[row] for row in (0, 1, 2, 3)}) == 1
    assert groups[4] == groups[6] != groups[0]
    assert groups[5] not in {groups[row] for row in (0, 4)}
    with pytest.raises(ValueError, match="equal length"):
        joined_groups([1], [1, 2])


def test_blind_validation_is_dealt_anew_and_test_stays() -> None:
    """Given: label 2 only in training. After: on both sides, and the test split picture for picture."""
    presence = dict(zip(NAMES, SHOWN, strict=True))
    groups = dict(zip(NAMES, PARTS, strict=True))
    test = tuple(NAMES[100:])
    validation = tuple(name for name in NAMES[:16] if 2 not in presence[name])
    train = tuple(name for name in NAMES[:100] if name not in validation)
    given = {"train": train, "val": validation, "test": test}
    assert missing_labels(given, presence, "val") == (2,)
    anew = split_train_and_validation_anew(given, groups, presence)
    assert anew["test"] == test
    assert sorted([*anew["train"], *anew["val"]]) == sorted([*train, *validation])
    assert missing_labels(anew, presence, "val") == ()
    assert not sides(anew)["train"] & sides(anew)["val"]
    assert len(anew["val"]) >= 0.13 * 100


def test_a_label_that_is_nowhere_in_training_is_not_missed() -> None:
    assert missing_labels({"train": ("a",), "val": ()}, {"a": frozenset({0})}, "val") == (0,)
    assert missing_labels({"train": (), "val": ("a",)}, {"a": frozenset({0})}, "val") == ()
