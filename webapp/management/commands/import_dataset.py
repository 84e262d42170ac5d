"""Register labelled data as a data set of a project."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.datasets import FORMATS, DatasetError
from segmentation.pictures import PictureError
from webapp.actions.datasets import import_dataset, label_names
from webapp.management.arguments import json_line, project_by_slug
from webapp.models import DatasetImport
from webapp.models.dataset_groupings import ALIKE, OF_FILES


class Command(BaseCommand):
    help = (
        f"Copy labelled data ({', '.join(FORMATS)}; found by looking) into a project as a frozen data set. "
        "Labels the project lacks are added."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--project", metavar="SLUG", required=True)
        parser.add_argument("--name", default="", help="name of the data set; default: the folder's name")
        parser.add_argument("--format", choices=tuple(FORMATS), help="default: found by looking")
        parser.add_argument(
            "--cityscapes-classes",
            type=int,
            choices=(19, 30),
            default=19,
            help="the 19 training classes of Cityscapes, or all 30",
        )
        parser.add_argument(
            "--split",
            choices=DatasetImport.Split.values,
            default=DatasetImport.Split.AUTO.value,
            help="auto: as given, unless validation lacks labels that training has; given: as given; anew: training "
            "and validation are dealt out anew. Given test images stay test images always",
        )
        parser.add_argument(
            "--group-by",
            default=ALIKE,
            metavar="NAMES",
            help=f"what stays on one side of a new split, separated by commas: {', '.join(OF_FILES)}; "
            "default: %(default)s",
        )
        parser.add_argument(
            "--no-defects",
            action="store_true",
            help="new labels are things to measure, not defects (default: every new label but background is a defect)",
        )
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="OLD=NEW",
            help="class OLD of the data set is label NEW of the project, which is added where it is lacking; "
            "OLD= is not judged (255). May be given several times; other classes go by their own name",
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
                    format=options["format"],
                    cityscapes_classes=options["cityscapes_classes"],
                    split=options["split"],
                    grouping=[name.strip() for name in options["group_by"].split(",") if name.strip()],
                    new_labels_are_defects=not options["no_defects"],
                    label_names=label_names(options["map"]),
                    progress=progress,
                )
            except (DatasetError, PictureError, ValueError) as error:
                raise CommandError(str(error)) from error
        counts = {split: dataset.dataset_images.filter(split=split).count() for split in ("train", "val", "test")}
        if options["json"]:
            self.stdout.write(
                json_line(
                    {
                        "dataset": dataset.pk,
                        "images": counts,
                        "checksum": dataset.checksum,
                        "format": dataset.format,
                        "notes": dataset.notes,
                    }
                )
            )
            return
        told = ", ".join(f"{count} {split}" for split, count in counts.items())
        self.stdout.write(f"Data set {dataset.name} ({told}) is in project {project.name}.")
        for note in dataset.notes:
            self.stdout.write(f"  {note}")
        self.stdout.write(f"Train on it: manage.py train --project {project.slug} --architecture unet --minutes 30")
