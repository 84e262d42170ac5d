"""A random forest (Breiman, "Random Forests", 2001) as a torch module: arrays instead of objects.

All trees stand one behind the other in flat arrays. A pixel walks down all of them at once: as many steps as the
deepest tree has levels, and who has reached a leaf stays there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

SMALLEST_PROBABILITY = 1e-5
"""No leaf is surer than this: a few hundred pixels cannot say that a label never occurs."""


@dataclass(frozen=True)
class ForestSize:
    """What is needed to make room for a forest's arrays. A new one is a single leaf."""

    tree_count: int = 1
    node_count: int = 1
    leaf_count: int = 1
    depth: int = 0


class Forest(nn.Module):
    """float32 (M, F) → log of the trees' mean leaf probabilities, float32 (M, K).

    Node `n` sends values of feature `feature[n]` up to `threshold[n]` to node `left[n]`, larger ones to the one
    after it; a leaf sends everything to itself and has its probabilities in row `leaf[n]`.
    """

    def __init__(self, size: ForestSize, label_count: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("root", torch.zeros(size.tree_count, dtype=torch.int32))
        self.register_buffer("feature", torch.zeros(size.node_count, dtype=torch.int32))
        self.register_buffer("threshold", torch.full((size.node_count,), torch.inf))
        self.register_buffer("left", torch.zeros(size.node_count, dtype=torch.int32))
        self.register_buffer("leaf", torch.zeros(size.node_count, dtype=torch.int32))
        self.register_buffer("probability", torch.full((size.leaf_count, label_count), 1 / label_count))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.log(self.probabilities(rows).clamp(min=SMALLEST_PROBABILITY))

    def probabilities(self, rows: torch.Tensor) -> torch.Tensor:
        """float32 (M, F) → float32 (M, K): scikit-learn's `predict_proba`."""
        feature, threshold = self.get_buffer("feature"), self.get_buffer("threshold")
        left, leaf, probability = self.get_buffer("left"), self.get_buffer("leaf"), self.get_buffer("probability")
        values = rows.reshape(-1)
        start = torch.arange(rows.shape[0], dtype=torch.int32, device=rows.device) * rows.shape[1]
        total = torch.zeros_like(probability[:1])
        for root in self.get_buffer("root").split(1):
            node = root.expand(rows.shape[0])
            for _ in range(self.size.depth):
                value = values.index_select(0, start + feature.index_select(0, node))
                node = left.index_select(0, node) + (value > threshold.index_select(0, node)).to(torch.int32)
            total = total + probability.index_select(0, leaf.index_select(0, node))
        return total / self.size.tree_count


def flattened(trees: Sequence[Any], labels: npt.NDArray[np.int64], label_count: int) -> Forest:
    """The forest of fitted scikit-learn decision trees, whose classes stand for `labels` (int, rising)."""
    parts: list[dict[str, npt.NDArray[Any]]] = []
    roots, node_count, leaf_count, depth = [], 0, 0, 0
    for tree in (fitted.tree_ for fitted in trees):
        roots.append(node_count)
        parts.append(_arrays(tree, node_count, leaf_count))
        node_count += int(tree.node_count)
        leaf_count += int(tree.n_leaves)
        depth = max(depth, int(tree.max_depth))
    forest = Forest(ForestSize(len(roots), node_count, leaf_count, depth), label_count)
    together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    probability = np.zeros((leaf_count, label_count), np.float32)
    probability[:, labels] = together.pop("probability")
    state = {name: torch.from_numpy(array) for name, array in together.items()}
    forest.load_state_dict(
        {**state, "probability": torch.from_numpy(probability), "root": torch.tensor(roots, dtype=torch.int32)}
    )
    return forest


def _arrays(tree: Any, first_node: int, first_leaf: int) -> dict[str, npt.NDArray[Any]]:
    """One tree's arrays, its nodes renumbered so that the two children of a node follow each other."""
    order, place = [0], np.zeros(tree.node_count, np.int64)
    for node in order:
        if tree.children_left[node] >= 0:
            place[tree.children_left[node]] = len(order)
            place[tree.children_right[node]] = len(order) + 1
            order += [tree.children_left[node], tree.children_right[node]]
    left = tree.children_left[order]
    is_leaf = left < 0
    own = np.arange(tree.node_count)
    return {
        "feature": np.where(is_leaf, 0, tree.feature[order]).astype(np.int32),
        "threshold": np.where(is_leaf, np.inf, _rounded_down(tree.threshold[order])).astype(np.float32),
        "left": (first_node + np.where(is_leaf, own, place[left])).astype(np.int32),
        "leaf": np.where(is_leaf, first_leaf + np.cumsum(is_leaf) - 1, 0).astype(np.int32),
        "probability": tree.value[order][is_leaf, 0].astype(np.float32),
    }


def _rounded_down(threshold: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The largest float32 that is not above: a float32 value is up to one exactly when it is up to the other."""
    nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)
