"""Splits: twins stay together, every label lands everywhere it can, and the test split stays what it is."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from segmentation.datasets.likeness import groups_of_alike, signature
from segmentation.spec import IGNORE_INDEX

SPLITS = ("train", "val", "test")
FRACTIONS = {"train": 0.7, "val": 0.15, "test": 0.15}
SMALLEST_VALIDATION_FRACTION = 0.15

Presence = frozenset[int]
"""The label indices that a picture shows."""


class SplittableDataset(Protocol):
    """What a data set must offer to be split."""

    def all_names(self) -> tuple[str, ...]: ...

    def read(self, name: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]: ...


def split_by_likeness(dataset: SplittableDataset) -> dict[str, tuple[str, ...]]:
    """Split all pictures 70/15/15, near-twins together. Deterministic. Reads every picture once."""
    names = dataset.all_names()
    signatures, present = [], []
    for name in names:
        rgb, mask = dataset.read(name)
        signatures.append(signature(rgb))
        present.append(labels_in(mask))
    groups = groups_of_alike(np.asarray(signatures, np.float32).reshape(len(names), -1))
    return split_by_groups(names, groups.tolist(), present)


def labels_in(mask: npt.NDArray[np.uint8]) -> Presence:
    """The label indices of a mask, without 255."""
    counts = np.bincount(mask.ravel(), minlength=IGNORE_INDEX + 1)[:IGNORE_INDEX]
    return frozenset(np.flatnonzero(counts).tolist())


def split_by_groups(
    names: Sequence[str],
    groups: Sequence[Hashable],
    label_presence: Sequence[Presence],
    fractions: Mapping[str, float] = FRACTIONS,
    seed: int = 0,
) -> dict[str, tuple[str, ...]]:
    """Whole groups to the splits so that each label is shared out in about these fractions.

    `groups` names each picture's group (a batch, a part, a day, a number); `fractions` sum to 1, by split.
    Rarest labels are dealt first, each group to the split that has none of its rarest label or lacks most.
    The same input and seed give the same split; another seed deals equal groups in another order.
    After Sechidis, Tsoumakas, Vlahavas, "On the stratification of multi-label data", 2011.
    """
    if not len(names) == len(groups) == len(label_presence):
        raise ValueError(
            f"names, groups and label_presence must be equally long, got {len(names)}, {len(groups)}"
            f" and {len(label_presence)}"
        )
    splits, shares = tuple(fractions), tuple(fractions.values())
    carriers: dict[int, int] = defaultdict(int)
    for present in label_presence:
        for label in present:
            carriers[label] += 1
    wanted = {label: [share * count for share in shares] for label, count in carriers.items()}
    given = {label: [0] * len(splits) for label in carriers}
    room = [share * len(names) for share in shares]
    chosen: dict[str, list[str]] = {split: [] for split in splits}
    for rows in _in_order(names, groups, label_presence, carriers, seed):
        label = _rarest(rows, label_presence, carriers)
        need, had = wanted.get(label, [0.0] * len(splits)), given.get(label, [1] * len(splits))
        open_ = [at for at in range(len(splits)) if shares[at] > 0]
        place = max(open_, key=lambda at: (had[at] == 0, need[at], room[at]))
        chosen[splits[place]].extend(names[row] for row in rows)
        room[place] -= len(rows)
        for row in rows:
            for present_label in label_presence[row]:
                wanted[present_label][place] -= 1
                given[present_label][place] += 1
    return {split: tuple(sorted(part)) for split, part in chosen.items()}


def split_train_and_validation_anew(
    splits: Mapping[str, Sequence[str]],
    groups: Mapping[str, Hashable],
    label_presence: Mapping[str, Presence],
    seed: int = 0,
) -> dict[str, tuple[str, ...]]:
    """Deal train and val out again, by groups and labels; test stays as it is, picture for picture.

    Validation keeps its share of the two, but gets at least 15 %.
    """
    train, validation = splits.get("train", ()), splits.get("val", ())
    names = sorted({*train, *validation})
    fraction = max(SMALLEST_VALIDATION_FRACTION, len(validation) / max(1, len(names)))
    dealt = split_by_groups(
        names,
        [groups[name] for name in names],
        [label_presence[name] for name in names],
        {"train": 1 - fraction, "val": fraction},
        seed,
    )
    return {**dealt, "test": tuple(splits.get("test", ()))}


def joined_groups(*groupings: Sequence[Hashable | None]) -> list[int]:
    """One group number per picture, so that pictures together in any of the groupings are together.

    None in a grouping ties a picture to no other.
    """
    if not groupings or len({len(grouping) for grouping in groupings}) != 1:
        raise ValueError("expected one or more groupings of equal length")
    leader = list(range(len(groupings[0])))

    def find(row: int) -> int:
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    for grouping in groupings:
        first: dict[Hashable, int] = {}
        for row, group in enumerate(grouping):
            if group is not None:
                leader[find(row)] = find(first.setdefault(group, row))
    return [find(row) for row in range(len(leader))]


def missing_labels(
    splits: Mapping[str, Sequence[str]], label_presence: Mapping[str, Presence], split: str
) -> tuple[int, ...]:
    """Labels that training shows and `split` does not: nothing measured there says a word about them."""
    shown: dict[str, set[int]] = {
        part: set().union(*(label_presence[name] for name in splits.get(part, ()))) for part in ("train", split)
    }
    return tuple(sorted(shown["train"] - shown[split]))


def _in_order(
    names: Sequence[str],
    groups: Sequence[Hashable],
    label_presence: Sequence[Presence],
    carriers: Mapping[int, int],
    seed: int,
) -> list[list[int]]:
    """Groups as rows: those with the rarest labels first, then the large ones."""
    members: dict[Hashable, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        members[group].append(row)
    by_name = sorted(members.values(), key=lambda rows: names[rows[0]])
    if seed:
        random.Random(seed).shuffle(by_name)  # noqa: S311 - nothing secret is drawn
    return sorted(by_name, key=lambda rows: (carriers[_rarest(rows, label_presence, carriers)], -len(rows)))


def _rarest(rows: list[int], label_presence: Sequence[Presence], carriers: Mapping[int, int]) -> int:
    found = frozenset().union(*(label_presence[row] for row in rows))
    return min(found, key=lambda label: (carriers[label], label), default=-1)
