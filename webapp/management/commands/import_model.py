"""Take in a model from elsewhere as a version of a project."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from segmentation.importing import import_model, read_foreign
from segmentation.spec import LabelSpec
from webapp import storage
from webapp.management.arguments import json_line, project_by_slug
from webapp.models import ModelVersion, Project
from webapp.pipeline.registering import register_model


class Command(BaseCommand):
    help = (
        "Take in a folder of segmentation-models-pytorch's save_pretrained, or an .onnx file, as a model version. "
        "It does not go live by itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--project", metavar="SLUG", required=True)
        parser.add_argument(
            "--labels",
            nargs="+",
            metavar="NAME=INDEX",
            required=True,
            help="the project's label for each output of the model, counted from 0: background=0 rust=1",
        )
        parser.add_argument("--mean", type=float, nargs="+", metavar="M", help="per channel; default: ImageNet's")
        parser.add_argument("--std", type=float, nargs="+", metavar="S", help="per channel; default: ImageNet's")
        parser.add_argument("--max-side-px", type=int, metavar="PX", help="scale larger pictures down to this")
        parser.add_argument("--licence", default="", help="under which terms the model may be used")
        parser.add_argument("--json", action="store_true", help="last line: a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        project, path = project_by_slug(options["project"]), options["path"]
        try:
            found = read_foreign(path)
            labels = _labels(project, options["labels"], found.label_count)
            with tempfile.TemporaryDirectory(dir=storage.temporary_folder()) as name:
                import_model(
                    path,
                    labels,
                    Path(name) / "model",
                    mean=options["mean"],
                    std=options["std"],
                    max_side_px=options["max_side_px"],
                    source=path.name,
                )
                model_version = register_model(
                    project=project,
                    user=None,
                    folder=Path(name) / "model",
                    origin=ModelVersion.Origin.IMPORTED,
                    licence=options["licence"],
                )
        except ValueError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json_line({"model": model_version.pk, "kind": found.kind, "labels": found.label_count}))
            return
        self.stdout.write(f"{found.title} is model {model_version.pk} ({model_version}) of {project.name}.")
        for remark in found.remarks:
            self.stdout.write(f"  {remark}")
        self.stdout.write(f"Score it: manage.py evaluate --model {model_version.pk} --dataset FOLDER")


def _labels(project: Project, said: Sequence[str], count: int) -> list[LabelSpec]:
    """A label of the project for each output. CommandError where one is missing, twice or unknown."""
    known = {label.name.lower(): label for label in project.labels.all()}
    chosen: dict[int, LabelSpec] = {}
    for each in said:
        name, _, place = each.rpartition("=")
        label = known.get(name.strip().lower())
        if label is None:
            raise CommandError(
                f"Expected NAME=INDEX with a label of the project ({', '.join(known)}), got {each!r}. "
                "Add the label on the project's page first."
            )
        if not place.isdecimal() or int(place) >= count or int(place) in chosen:
            raise CommandError(f"The model's outputs are 0 to {count - 1}, each named once; got {each!r}.")
        chosen[int(place)] = LabelSpec(int(place), label.name, label.color, label.is_defect)
    if len(chosen) != count:
        missing = ", ".join(str(place) for place in range(count) if place not in chosen)
        raise CommandError(f"The model has {count} outputs; no label was named for {missing}.")
    if len({label.name for label in chosen.values()}) != count:
        raise CommandError("A label stands for two outputs; each output needs a label of its own.")
    return [chosen[place] for place in range(count)]
