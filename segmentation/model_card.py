"""The card beside every trained model: what it was made of, how good it is, and where it ends.

After Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import torch

from segmentation import __version__
from segmentation.evaluation import Evaluation
from segmentation.judging.calibration import calibration_error
from segmentation.judging.regions import COVERED_FRACTION, SIZE_CLASSES
from segmentation.spec import ModelSpec
from segmentation.train_settings import TrainSettings

CHOSEN_ON_VALIDATION = (
    "These images also chose the weights, the limits of the verdict and the temperature: expect new images to do worse."
)
LICENCE_OF_THE_PHOTOS = "Yours; it follows the photos it was trained on."

# how a machine was used, not what was learned
_LEFT_OUT = ("memory_bytes", "checkpoint_folder", "initial_names")


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
    kept_fraction: float | None = None,
) -> str:
    """The card as Markdown. `data` and `limits` are lists of sentences; `data` names the split and its checksum.

    The scores are those of `evaluation`; its slices, regions and own thresholds appear where there are any.
    `kept_fraction`: how much of the network an earlier model gave, 0–1, as the last epoch says.
    """
    parts = [
        f"# {title}",
        summary,
        "## Data",
        _bullets(data),
        f"## Scores on {evaluated_on}",
        _label_table(evaluation),
        _picture_scores(evaluation),
        *_slices(evaluation),
        *_regions(evaluation),
        "## Confidence",
        _calibration(evaluation),
        "## Limits",
        _bullets(limits),
        "## How it was made",
        _table(("setting", "value"), _making(spec, settings, steps, kept_fraction).items()),
        "## Licence",
        licence,
    ]
    return "\n\n".join(parts) + "\n"


def library_versions() -> dict[str, str]:
    return {
        "pixelwise": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        **{package: version(package) for package in ("segmentation-models-pytorch", "timm")},
    }


def _label_table(evaluation: Evaluation) -> str:
    agreement = evaluation.agreement
    rows = [
        (
            label.name,
            _share(agreement.iou(label.index)),
            _share(agreement.dice(label.index)),
            _share(agreement.precision(label.index)),
            _share(agreement.recall(label.index)),
            _share(evaluation.boundaries.f1(label.index)),
            f"{int(agreement.truth_pixels[label.index]):,}",
        )
        for label in evaluation.labels
    ]
    rows.append(("mean of the defects", _share(evaluation.mean_defect_iou), "", "", "", "", ""))
    outline = f"outline F1 within {evaluation.boundary_tolerance_px:g} px"
    return _table(("label", "IoU", "Dice", "precision", "recall", outline, "true pixels"), rows)


def _picture_scores(evaluation: Evaluation) -> str:
    point = evaluation.point
    names = {label.index: label.name for label in evaluation.labels}
    own = ", ".join(f"**{limit}** for {names[index]}" for index, limit in point.label_limits.items())
    return (
        f"A picture fails when one region of a defect has at least **{point.min_region_px} pixels**"
        f"{f' ({own})' if own else ''}. Of"
        f" {point.defective_count} defective pictures {point.missed_count} were missed"
        f" ({_number(point.missed_per_1000)} per 1,000 defective), of {point.good_count} good ones"
        f" {point.rejected_count} were rejected ({_number(point.rejected_per_1000)} per 1,000 good)."
    )


def _slices(evaluation: Evaluation) -> list[str]:
    if not evaluation.slices:
        return []
    defects = frozenset(label.index for label in evaluation.labels if label.is_defect)
    rows = [
        (
            one.name,
            one.image_count,
            _share(one.agreement.mean_iou()),
            _share(one.agreement.mean_iou(defects)),
            f"{one.point.missed_count} of {one.point.defective_count}",
            f"{one.point.rejected_count} of {one.point.good_count}",
        )
        for one in evaluation.slices
    ]
    head = ("part of the data", "pictures", "mean IoU", "mean IoU of the defects", "missed", "rejected")
    return ["### By part of the data", _table(head, rows)]


def _regions(evaluation: Evaluation) -> list[str]:
    scores = evaluation.regions
    rows = [
        (
            label.name,
            f"{size.name} (from {size.from_px:,} px)",
            scores.found[label.index, place],
            scores.missed[label.index, place],
            scores.false[label.index, place],
        )
        for label in evaluation.labels
        if label.is_defect
        for place, size in enumerate(SIZE_CLASSES)
        if (scores.found + scores.missed + scores.false)[label.index, place]
    ]
    if not rows:
        return []
    rule = f"A true region is found when at least {COVERED_FRACTION:.0%} of it is marked with its label."
    return ["### Regions", rule, _table(("label", "size", "found", "missed", "false"), rows)]


def _calibration(evaluation: Evaluation) -> str:
    found = evaluation.calibration
    defects = calibration_error(found.defects_after)
    marked = "" if defects is None else f" On the pixels it marks as a defect: {defects:.3f}."
    if found.error_before is None or found.error_after is None:
        return "Not measured."
    if found.temperature == 1:
        return f"Not calibrated. Expected calibration error on these pictures: {found.error_after:.3f}.{marked}"
    return (
        f"Calibrated on the validation pictures with temperature {found.temperature:g}. Expected calibration error on"
        f" the pictures above: {found.error_before:.3f} before, {found.error_after:.3f} after.{marked}"
    )


def _making(spec: ModelSpec, settings: TrainSettings, steps: int, kept_fraction: float | None) -> Mapping[str, object]:
    kept = {} if kept_fraction is None else {"kept of the earlier model": f"{kept_fraction:.1%} of all weights"}
    shown = {name: value for name, value in dataclasses.asdict(settings).items() if name not in _LEFT_OUT}
    changes = shown.pop("augmentation").items()
    return {
        "architecture": spec.architecture,
        "encoder": spec.encoder or "none",
        **{name.replace("_", " "): value for name, value in spec.options.items()},
        "size of the pictures": _size(spec),
        "light of each picture evened": "yes" if spec.evens_light else "no",
        "offset of defect labels": spec.defect_offset,
        "also looks at pictures mirrored": ", ".join(spec.mirrors) or "no",
        # of folders only the name: the rest is the machine's affair
        **{
            name.replace("_", " "): value.name if isinstance(value, Path) else value
            for name, value in shown.items()
            if value is not None
        },
        **kept,
        "gradient steps": steps,
        "augmentation": ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changes),
        **library_versions(),
    }


def _size(spec: ModelSpec) -> str:
    scaled = f"{spec.scale:g} of the photo's" if spec.scale != 1 else "as photographed"
    return f"{scaled}, at most {spec.max_side_px} px" if spec.max_side_px else scaled


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _table(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
