"""Score a model version on a labelled folder."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from analytics.statistics import wilson
from segmentation.datasets.errors import DatasetError
from segmentation.evaluation import Evaluation
from segmentation.operating_point import OperatingPoint
from webapp.management.arguments import json_line, model_version_by_id
from webapp.pipeline.evaluate import evaluate_on_folder


class Command(BaseCommand):
    help = (
        "Score a model version on a split of a labelled folder: labels, regions, images missed and rejected per 1,000, "
        "confidence. docs/judging.md says what each number means."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", type=int, metavar="ID", required=True)
        parser.add_argument("--dataset", type=Path, metavar="PATH", required=True)
        parser.add_argument("--split", default="test", choices=("train", "val", "test"))
        parser.add_argument("--json", action="store_true", help="last line: a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        model_version = model_version_by_id(options["model"])
        with tqdm(unit=" images", disable=options["json"], leave=False) as bar:
            try:
                found = evaluate_on_folder(
                    model_version, options["dataset"], split=options["split"], on_picture=bar.update
                )
            except (DatasetError, ValueError) as error:
                raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json_line({**found.as_json(), **_intervals(found.point)}))
            return
        self.stdout.write(f"{len(found.outcomes)} images of the {options['split']} split")
        self._labels(found)
        self._images(found)

    def _labels(self, found: Evaluation) -> None:
        self.stdout.write(
            f"  {'label':<20} {'IoU':>6} {'Dice':>6} {'precision':>9} {'recall':>6} {'outline':>7}"
            f" {'found':>6} {'missed':>6} {'false':>6}"
        )
        agreement, regions = found.agreement, found.regions
        for label in found.labels:
            place = label.index
            outline = found.boundaries.f1(place)
            shares = (agreement.iou(place), agreement.dice(place), agreement.precision(place), agreement.recall(place))
            counts = (regions.found[place].sum(), regions.missed[place].sum(), regions.false[place].sum())
            cells = [_share(value) for value in (*shares, outline)]
            self.stdout.write(
                f"  {label.name:<20} {cells[0]:>6} {cells[1]:>6} {cells[2]:>9} {cells[3]:>6} {cells[4]:>7}"
                f" {counts[0]:>6} {counts[1]:>6} {counts[2]:>6}"
            )
        self.stdout.write(
            f"IoU to recall are about pixels, outline is F1 within {found.boundary_tolerance_px:g} px; "
            "found, missed and false count regions."
        )

    def _images(self, found: Evaluation) -> None:
        point, names = found.point, {label.index: label.name for label in found.labels}
        own = [f"{names[index]} {limit} px" for index, limit in point.label_limits.items()]
        self.stdout.write(
            f"An image fails from {point.min_region_px} px in one defect region on"
            f"{' (' + ', '.join(own) + ')' if own else ''}."
        )
        self._rate("missed defective images", point.missed_count, point.defective_count)
        self._rate("rejected good images", point.rejected_count, point.good_count)
        for part in found.slices:
            self.stdout.write(
                f"  {part.name}: {part.image_count} images, mean IoU {_share(part.agreement.mean_iou())}, "
                f"missed {part.point.missed_count} of {part.point.defective_count}, "
                f"rejected {part.point.rejected_count} of {part.point.good_count}"
            )
        calibration = found.calibration
        self.stdout.write(
            f"Confidence is off by {_share(calibration.error_after)} on average "
            f"({_share(calibration.error_before)} before calibration, temperature {calibration.temperature:g})."
        )

    def _rate(self, what: str, count: int, n: int) -> None:
        if n == 0:
            self.stdout.write(f"  {what}: none of that kind in the split")
            return
        low, high = _per_1000(count, n)
        self.stdout.write(
            f"  {what}: {count} of {n} = {1000 * count / n:.0f} per 1,000 (95 % interval {low:.0f} to {high:.0f})"
        )


def _intervals(point: OperatingPoint) -> dict[str, list[float] | None]:
    """95 % Wilson intervals of the two rates, per 1,000; None where there is no image of that kind."""
    rates = {
        "missed_interval": (point.missed_count, point.defective_count),
        "rejected_interval": (point.rejected_count, point.good_count),
    }
    return {name: list(_per_1000(count, n)) if n else None for name, (count, n) in rates.items()}


def _per_1000(count: int, n: int) -> tuple[float, float]:
    interval = wilson(count, n)
    return 1000 * interval.low, 1000 * interval.high


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
