"""The card beside every trained model: what it was made of, how good it is, and where it ends.

After Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping, Sequence

import segmentation_models_pytorch as smp
import timm
import torch

from segmentation import __version__
from segmentation.evaluation import Evaluation
from segmentation.spec import ModelSpec
from segmentation.train import TrainSettings


def model_card(
    *,
    title: str,
    summary: str,
    data: Sequence[str],
    spec: ModelSpec,
    settings: TrainSettings,
    steps: int,
    evaluation: Evaluation,
    evaluated_on: str,
    limits: Sequence[str],
    licence: str,
) -> str:
    """The card as Markdown. `data` and `limits` are lists of sentences."""
    parts = [
        f"# {title}",
        summary,
        "## Data",
        _bullets(data),
        f"## Scores on {evaluated_on}",
        _label_table(evaluation),
        _picture_scores(evaluation),
        "## Limits",
        _bullets(limits),
        "## How it was made",
        _table(("setting", "value"), _making(spec, settings, steps).items()),
        "## Licence",
        licence,
    ]
    return "\n\n".join(parts) + "\n"


def library_versions() -> dict[str, str]:
    return {
        "pixelwise": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "segmentation-models-pytorch": smp.__version__,
        "timm": timm.__version__,
    }


def _label_table(evaluation: Evaluation) -> str:
    agreement = evaluation.agreement
    rows = [
        (
            label.name,
            _share(agreement.iou(label.index)),
            _share(agreement.precision(label.index)),
            _share(agreement.recall(label.index)),
            f"{int(agreement.truth_pixels[label.index]):,}",
        )
        for label in evaluation.labels
    ]
    rows.append(("mean of the defects", _share(evaluation.mean_defect_iou), "", "", ""))
    return _table(("label", "IoU", "precision", "recall", "true pixels"), rows)


def _picture_scores(evaluation: Evaluation) -> str:
    point = evaluation.point
    return (
        f"A picture fails when one region of a defect has at least **{point.min_region_px} pixels**. Of"
        f" {point.defective_count} defective pictures {point.missed_count} were missed"
        f" ({_number(point.missed_per_1000)} per 1,000 defective), of {point.good_count} good ones"
        f" {point.rejected_count} were rejected ({_number(point.rejected_per_1000)} per 1,000 good)."
    )


def _making(spec: ModelSpec, settings: TrainSettings, steps: int) -> Mapping[str, object]:
    shown = dataclasses.asdict(settings)
    shown.pop("memory_bytes")
    changes = shown.pop("augmentation").items()
    return {
        "architecture": spec.architecture,
        "encoder": spec.encoder or "none",
        **{name.replace("_", " "): value for name, value in spec.options.items()},
        "longest side": f"{spec.max_side_px} px" if spec.max_side_px else "as photographed",
        **{name.replace("_", " "): value for name, value in shown.items() if value is not None},
        "gradient steps": steps,
        "augmentation": ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changes),
        **library_versions(),
    }


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _table(head: Sequence[str], rows: object) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]  # type: ignore[attr-defined]
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
