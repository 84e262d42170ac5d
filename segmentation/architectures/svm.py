"""Support vector machines on hand-made features; `segmentation.classical.fit` fits them."""

from __future__ import annotations

from torch import nn

from segmentation.architectures.hand_made import network
from segmentation.architectures.options import whole_number
from segmentation.classical.svm import SupportVectorMachine
from segmentation.spec import ModelSpec

MOST_COMPONENTS = 4096


def build_linear(spec: ModelSpec) -> nn.Module:
    """Room for one boundary per label."""
    return network(spec, (), lambda feature_count: SupportVectorMachine(feature_count, len(spec.labels)))


def build_rbf(spec: ModelSpec) -> nn.Module:
    """Room for the random cosines that `component_count` in `spec.options` says, and boundaries between them."""
    count = whole_number(spec, "component_count", 256, most=MOST_COMPONENTS)
    return network(
        spec,
        ("component_count",),
        lambda feature_count: SupportVectorMachine(feature_count, len(spec.labels), count),
    )
