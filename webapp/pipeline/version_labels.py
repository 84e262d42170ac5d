"""What a model version's outputs stand for, under the names and defect flags that the project's labels have today."""

from __future__ import annotations

from collections.abc import Sequence

from segmentation.spec import LabelSpec
from webapp.models import Label, ModelVersion


def known_labels(model_version: ModelVersion) -> list[Label]:
    """The project's labels in the order of the model's outputs."""
    return [row.label for row in model_version.model_labels.select_related("label").order_by("index")]


def judged_labels(model_version: ModelVersion) -> list[Label]:
    """`known_labels`, then the project's labels that the model does not know: they count as missed."""
    known = known_labels(model_version)
    ids = {label.pk for label in known}
    return known + [label for label in model_version.project.labels.all() if label.pk not in ids]


def label_specs(model_version: ModelVersion, labels: Sequence[Label]) -> list[LabelSpec]:
    """The labels under today's names and defect flags, with the limits of their own that the version has."""
    own = dict(model_version.model_labels.values_list("label", "min_region_px"))
    return [
        LabelSpec(place, label.name, label.color, label.is_defect, own.get(label.pk))
        for place, label in enumerate(labels)
    ]
