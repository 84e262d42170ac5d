"""Random forest on hand-made features; `segmentation.classical.fit` grows it."""

from __future__ import annotations

from torch import nn

from segmentation.architectures.hand_made import network
from segmentation.architectures.options import whole_number
from segmentation.classical.forest import Forest, ForestSize
from segmentation.spec import ModelSpec

OPTIONS = ("tree_count", "node_count", "leaf_count", "depth")
MOST_NODES, MOST_TREES, DEEPEST = 50_000_000, 10_000, 64


def build(spec: ModelSpec) -> nn.Module:
    """Room for a forest of the sizes in `spec.options`; a single leaf without. ValueError where they cannot be."""
    size = ForestSize(
        tree_count=whole_number(spec, "tree_count", 1, most=MOST_TREES),
        node_count=whole_number(spec, "node_count", 1, most=MOST_NODES),
        leaf_count=whole_number(spec, "leaf_count", 1, most=MOST_NODES),
        depth=whole_number(spec, "depth", 0, least=0, most=DEEPEST),
    )
    return network(spec, OPTIONS, lambda feature_count: Forest(size, len(spec.labels)))
