"""Register a labelled folder as a data set of a project."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.datasets.folder import DatasetError
from segmentation.pictures import PictureError
from webapp.actions.datasets import import_dataset
from webapp.management.arguments import json_line, project_by_slug


class Command(BaseCommand):
    help = (
        "Copy a labelled folder (images/, masks/, classes.json, optional splits.json) into a project as a frozen "
        "data set. Labels the project lacks are added."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--project", metavar="SLUG", required=True)
        parser.add_argument("--name", default="", help="name of the data set; default: the folder's name")
        parser.add_argument(
            "--no-defects",
            action="store_true",
            help="new labels are things to measure, not defects (default: every new label but background is a defect)",
        )
        parser.add_argument("--json", action="store_true", help="last line: a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_by_slug(options["project"])
        with tqdm(unit=" images", disable=options["json"], leave=False) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            try:
                dataset = import_dataset(
                    project=project,
                    user=None,
                    path=options["path"],
                    name=options["name"],
                    new_labels_are_defects=not options["no_defects"],
                    progress=progress,
                )
            except (DatasetError, PictureError, ValueError) as error:
                raise CommandError(str(error)) from error
        counts = {split: dataset.dataset_images.filter(split=split).count() for split in ("train", "val", "test")}
        if options["json"]:
            self.stdout.write(json_line({"dataset": dataset.pk, "images": counts, "checksum": dataset.checksum}))
            return
        told = ", ".join(f"{count} {split}" for split, count in counts.items())
        self.stdout.write(f"Data set {dataset.name} ({told}) is in project {project.name}.")
        self.stdout.write(f"Train on it: manage.py train --project {project.slug} --architecture unet --minutes 30")
