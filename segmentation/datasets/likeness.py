"""Which pictures are near-twins: several exposures of one part, frames of one film."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import scipy

SIGNATURE_PX = 24
LIKENESSES = (0.96, 0.98, 0.99, 0.995, 0.999)
LARGEST_GROUP_FRACTION = 0.2
ROWS_AT_ONCE = 512


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


def _linked(signatures: npt.NDArray[np.float32], likeness: float) -> npt.NDArray[np.int32]:
    count = len(signatures)
    starts, ends = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for first in range(0, count, ROWS_AT_ONCE):
        alike = signatures[first : first + ROWS_AT_ONCE] @ signatures.T >= likeness
        row, column = np.nonzero(alike)
        starts.append(row + first)
        ends.append(column)
    start, end = np.concatenate(starts), np.concatenate(ends)
    graph = scipy.sparse.coo_matrix((np.ones(len(start), np.int8), (start, end)), shape=(count, count))
    return np.asarray(scipy.sparse.csgraph.connected_components(graph, directed=False)[1], np.int32)
