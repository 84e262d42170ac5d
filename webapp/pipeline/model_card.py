"""The model card: what a model was made from and how well it did, written by the program."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from segmentation.operating_point import OperatingPoint
from segmentation.spec import ModelSpec
from webapp.models import DatasetImage, TrainingRun

_LIBRARIES = ("torch", "segmentation-models-pytorch", "timm", "numpy", "opencv-python-headless")


def training_card(
    training_run: TrainingRun,
    spec: ModelSpec,
    iou: Sequence[float | None],
    point: OperatingPoint,
    minutes: float,
) -> str:
    """Markdown. The scores are those of the validation split, which also chose the weights and the limit."""
    dataset = training_run.dataset
    counts = {
        split.label: dataset.dataset_images.filter(split=split).count() for split in DatasetImage.Split
    }
    rows = [
        f"| {label.name} | {'yes' if label.is_defect else 'no'} | {_number(value)} |"
        for label, value in zip(spec.labels, iou, strict=True)
    ]
    settings = ", ".join(f"{name} {value}" for name, value in training_run.settings.items() if value is not None)
    return "\n".join(
        [
            f"# {spec.architecture}{f' with {spec.encoder}' if spec.encoder else ''}",
            "",
            f"Trained on data set {dataset.name} (checksum {dataset.checksum}): "
            + ", ".join(f"{count} {name.lower()}" for name, count in counts.items())
            + " images.",
            "",
            f"Training: {minutes:.1f} minutes; {settings}. Weights from random initialisation unless told otherwise.",
            "",
            "| label | defect | IoU on validation |",
            "|---|---|---|",
            *rows,
            "",
            f"An image fails from {point.min_region_px} pixels in one defect region on. On validation this misses "
            f"{point.missed_count} of {point.defective_count} defective and rejects {point.rejected_count} of "
            f"{point.good_count} good images.",
            "",
            "Limits: these scores chose the weights and the limit, so new images may do worse; "
            "`manage.py evaluate` on images kept apart says how much. Confidence is not calibrated.",
            "",
            "Libraries: " + ", ".join(f"{name} {version(name)}" for name in _LIBRARIES) + ".",
            "Licence: yours; the photos decide.",
            "",
        ]
    )


def _number(value: float | None) -> str:
    return "not in the split" if value is None else f"{value:.3f}"
