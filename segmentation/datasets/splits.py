"""A split for a data set that comes without one: twins stay together, every label lands everywhere it can."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from segmentation.spec import IGNORE_INDEX

SPLITS = ("train", "val", "test")
FRACTIONS = (0.7, 0.15, 0.15)
SIGNATURE_PX = 24
LIKENESSES = (0.96, 0.98, 0.99, 0.995, 0.999)
LARGEST_GROUP_FRACTION = 0.2
ROWS_AT_ONCE = 512


class SplittableDataset(Protocol):
    """What a data set must offer to be split."""

    def names(self, split: str | None = None) -> tuple[str, ...]: ...

    def read(self, name: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]: ...


def split_folder(dataset: SplittableDataset) -> dict[str, tuple[str, ...]]:
    """Split all pictures 70/15/15. Deterministic: the same files give the same split.

    Pictures that look alike (several exposures of one part, frames of one film) go to the same split, because
    a random split would test on twins of what was trained on. Reads every picture once.
    """
    names = dataset.names()
    signatures = np.empty((len(names), SIGNATURE_PX * SIGNATURE_PX), np.float32)
    labels: list[frozenset[int]] = []
    for row, name in enumerate(names):
        rgb, mask = dataset.read(name)
        signatures[row] = signature(rgb)
        present = np.flatnonzero(np.bincount(mask.ravel(), minlength=IGNORE_INDEX + 1)[:IGNORE_INDEX])
        labels.append(frozenset(present.tolist()))
    return stratified_split(names, labels, groups_of_alike(signatures))


def signature(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """A small grey copy (576,) with mean 0 and length 1: the same under any brightness and contrast."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIGNATURE_PX, SIGNATURE_PX), interpolation=cv2.INTER_AREA)
    flat = small.astype(np.float32).ravel()
    flat -= flat.mean()
    return flat / max(float(np.linalg.norm(flat)), 1e-6)


def groups_of_alike(signatures: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """A group number for each signature; two are alike when their correlation is at least 0.96.

    Where that lumps more than a fifth of the pictures together (plain surfaces all look alike) the bar is
    raised, up to 0.999.
    """
    count = len(signatures)
    groups = np.arange(count, dtype=np.int32)
    for likeness in LIKENESSES:
        groups = _linked(signatures, likeness)
        if count == 0 or np.bincount(groups).max() <= max(2, LARGEST_GROUP_FRACTION * count):
            return groups
    return np.arange(count, dtype=np.int32)


def stratified_split(
    names: Sequence[str],
    labels: Sequence[frozenset[int]],
    groups: npt.NDArray[np.int32],
    fractions: tuple[float, float, float] = FRACTIONS,
) -> dict[str, tuple[str, ...]]:
    """Whole groups to train, val and test so that each label is shared out in about these fractions.

    Rarest labels are dealt first, each group to the split that has none of its rarest label or lacks most.
    After Sechidis, Tsoumakas, Vlahavas, "On the stratification of multi-label data", 2011.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(groups.tolist()):
        members[group].append(row)
    carriers: dict[int, int] = defaultdict(int)
    for present in labels:
        for label in present:
            carriers[label] += 1

    def rarest(rows: list[int]) -> int:
        found = frozenset().union(*(labels[row] for row in rows))
        return min(found, key=lambda label: (carriers[label], label), default=-1)

    wanted = {label: [fraction * count for fraction in fractions] for label, count in carriers.items()}
    given = {label: [0, 0, 0] for label in carriers}
    room = [fraction * len(names) for fraction in fractions]
    order = sorted(members.values(), key=lambda rows: (carriers[rarest(rows)], -len(rows), names[rows[0]]))
    chosen: dict[str, list[str]] = {split: [] for split in SPLITS}
    for rows in order:
        label = rarest(rows)
        need, had = wanted.get(label, [0.0] * 3), given.get(label, [1] * 3)
        place = max(range(3), key=lambda at: (had[at] == 0, need[at], room[at]))
        chosen[SPLITS[place]].extend(names[row] for row in rows)
        room[place] -= len(rows)
        for present in (labels[row] for row in rows):
            for label in present:
                wanted[label][place] -= 1
                given[label][place] += 1
    return {split: tuple(sorted(part)) for split, part in chosen.items()}


def _linked(signatures: npt.NDArray[np.float32], likeness: float) -> npt.NDArray[np.int32]:
    count = len(signatures)
    starts, ends = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for first in range(0, count, ROWS_AT_ONCE):
        alike = signatures[first : first + ROWS_AT_ONCE] @ signatures.T >= likeness
        row, column = np.nonzero(alike)
        starts.append(row + first)
        ends.append(column)
    start, end = np.concatenate(starts), np.concatenate(ends)
    graph = coo_matrix((np.ones(len(start), np.int8), (start, end)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int32)
