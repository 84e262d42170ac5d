"""Score a model version on a labelled folder."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from analytics.statistics import wilson
from segmentation.datasets.errors import DatasetError
from webapp.management.arguments import json_line, model_version_by_id
from webapp.pipeline.evaluate import evaluate_on_folder


class Command(BaseCommand):
    help = "Score a model version on a split of a labelled folder: IoU per label, missed and rejected per 1,000."

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
            self.stdout.write(json_line(found.as_json()))
            return
        self.stdout.write(f"{len(found.outcomes)} images of the {options['split']} split")
        for label in found.labels:
            value = found.agreement.iou(label.index)
            self.stdout.write(f"  IoU {label.name:<20} {'–' if value is None else f'{value:.3f}'}")
        point = found.point
        self.stdout.write(f"An image fails from {point.min_region_px} px in one defect region on.")
        self._rate("missed defective images", point.missed_count, point.defective_count)
        self._rate("rejected good images", point.rejected_count, point.good_count)

    def _rate(self, what: str, count: int, n: int) -> None:
        if n == 0:
            self.stdout.write(f"  {what}: none of that kind in the split")
            return
        interval = wilson(count, n)
        self.stdout.write(
            f"  {what}: {count} of {n} = {1000 * count / n:.0f} per 1,000 "
            f"(95 % interval {1000 * interval.low:.0f} to {1000 * interval.high:.0f})"
        )
