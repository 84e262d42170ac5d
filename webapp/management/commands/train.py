"""Train a model version on a data set of a project; it goes live."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.architectures import ARCHITECTURES
from segmentation.pairs import PairError
from segmentation.train import Epoch
from segmentation.train_settings import DEFAULT_EPOCHS
from segmentation.typed_options import json_object
from webapp.actions.model_versions import add_color_model, go_live
from webapp.actions.refused import Refused
from webapp.actions.training import TrainingWish, resume_by_command, start_training
from webapp.management.arguments import json_line, model_version_by_id, project_by_slug
from webapp.models import Dataset, ModelVersion, Project, TrainingRun
from webapp.pipeline.train import run_training
from webapp.tasks import queue_on_commit, segment_run

UNTRAINED = "nearest-color"
WHOLE_START = ("random", "hub", "folder")


@dataclass(frozen=True)
class Trained:
    """`iou` has one value per label of the validation split, None where the split says nothing about it."""

    model_version: ModelVersion
    minutes: float
    iou: dict[str, float | None]


class Command(BaseCommand):
    help = (
        "Train on the project's newest data set (or --dataset) and put the result live. "
        f"{UNTRAINED} needs no data set: it takes the label colours. Ctrl-C keeps the best so far."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", metavar="SLUG", required=True)
        parser.add_argument(
            "--architecture",
            metavar="NAME",
            default="",
            help=f"default: the recommended one; {', '.join(ARCHITECTURES)}",
        )
        parser.add_argument("--encoder", metavar="NAME", default="", help="any of the library's; default: a light one")
        parser.add_argument(
            "--options",
            type=json_object,
            metavar="JSON",
            help="""of the architecture, such as {"width": 24}; default: those that suit it""",
        )
        parser.add_argument(
            "--target",
            choices=TrainingRun.Target.values,
            default=TrainingRun.Target.PC.value,
            help="where the model will run, which the recommendation goes by; default: pc",
        )
        parser.add_argument("--dataset", type=int, metavar="ID", help="default: the project's newest")
        length = parser.add_mutually_exclusive_group()
        length.add_argument("--epochs", type=int, metavar="N", help=f"default: {DEFAULT_EPOCHS}")
        length.add_argument("--minutes", type=float, metavar="M")
        parser.add_argument("--crop-px", type=int, metavar="PX", help="side of training crops; default: by the images")
        parser.add_argument(
            "--mirrored-views",
            action="store_true",
            help="the model may look at mirrored copies of each image too, where that is better; up to 4 times slower",
        )
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--loss", metavar="NAME", default="auto", help="default: by how rare the labels are")
        parser.add_argument(
            "--augment",
            metavar="NAMES",
            help="what may happen to the photos, presets separated by commas, or none; default: a mild mixture",
        )
        parser.add_argument(
            "--start",
            metavar="FROM",
            default="random",
            help="random, hub (learnt weights from the internet), folder (encoders/ of the data folder), a folder's "
            "path, or the id of an earlier model",
        )
        parser.add_argument(
            "--resume",
            type=int,
            nargs="?",
            const=0,
            metavar="ID",
            help="go on with a training that was stopped; without ID the newest of the project",
        )
        parser.add_argument("--json", action="store_true", help="last line: a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_by_slug(options["project"])
        if options["architecture"] == UNTRAINED:
            trained = self._colors(project)
        else:
            trained = self._train(project, self._training_run(project, options), options["json"])
        if options["json"]:
            minutes = round(trained.minutes, 2)
            self.stdout.write(json_line({"model": trained.model_version.pk, "minutes": minutes, "iou": trained.iou}))
            return
        for name, value in trained.iou.items():
            self.stdout.write(f"  IoU {name:<20} {'not in the validation split' if value is None else f'{value:.3f}'}")
        self.stdout.write(
            f"Model {trained.model_version.pk} ({trained.model_version}) is live in {project.name} "
            f"after {trained.minutes:.1f} minutes."
        )

    def _colors(self, project: Project) -> Trained:
        started = time.monotonic()
        model_version = add_color_model(project=project, user=None)
        go_live(model_version=model_version, user=None)
        return Trained(model_version, (time.monotonic() - started) / 60, {})

    def _training_run(self, project: Project, options: dict[str, Any]) -> TrainingRun:
        """A new one, or with --resume one that was stopped."""
        try:
            if options["resume"] is not None:
                return resume_by_command(project=project, training_run_id=options["resume"] or None)
            return start_training(project=project, user=None, wish=self._wish(project, options), by_command=True)
        except Refused as error:
            raise CommandError(str(error)) from error

    def _wish(self, project: Project, options: dict[str, Any]) -> TrainingWish:
        has_length = options["epochs"] is not None or options["minutes"] is not None
        return TrainingWish(
            dataset=self._dataset(project, options["dataset"]),
            architecture=options["architecture"],
            encoder=options["encoder"],
            options=options["options"],
            target=options["target"],
            epochs=options["epochs"] if has_length else DEFAULT_EPOCHS,
            minutes=options["minutes"],
            crop_px=options["crop_px"],
            mirrored_views=options["mirrored_views"],
            seed=options["seed"],
            loss=options["loss"],
            presets=_names(options["augment"]),
            **_start(options["start"]),
        )

    def _train(self, project: Project, training_run: TrainingRun, as_json: bool) -> Trained:
        started = time.monotonic()
        with tqdm(total=100, unit="%", disable=as_json, leave=False) as bar:

            def show(epoch: Epoch) -> None:
                bar.update(round(100 * epoch.progress_fraction) - bar.n)
                score = "–" if epoch.mean_iou is None else f"{epoch.mean_iou:.3f}"
                bar.set_postfix_str(f"epoch {epoch.index}, loss {epoch.loss:.3f}, validation mIoU {score}")
                if as_json:
                    self.stderr.write(f"epoch {epoch.index} loss {epoch.loss:.4f} mIoU {score} {epoch.seconds:.0f} s")

            try:
                for run_id in run_training(training_run.pk, on_epoch=show):
                    queue_on_commit(segment_run, run_id)
            except (PairError, ValueError) as error:
                raise CommandError(str(error)) from error
        model_version = ModelVersion.objects.filter(training_run=training_run).first()
        if model_version is None:
            raise CommandError("The training was cancelled: there is no model version.")
        rows = model_version.model_labels.select_related("label")
        iou = {row.label.name: row.validation_iou for row in rows}
        return Trained(model_version, (time.monotonic() - started) / 60, iou)

    def _dataset(self, project: Project, dataset_id: int | None) -> Dataset:
        datasets = Dataset.objects.filter(project=project).order_by("-id")
        dataset = (datasets if dataset_id is None else datasets.filter(pk=dataset_id)).first()
        if dataset is None:
            raise CommandError(
                f"Project {project.name} has no {'data set yet' if dataset_id is None else f'data set {dataset_id}'}. "
                f"Import one: manage.py import_dataset PATH --project {project.slug}"
            )
        return dataset


def _names(given: str | None) -> list[str] | None:
    """None where nothing was said, else the names; "none" is no name."""
    if given is None:
        return None
    return [name.strip() for name in given.split(",") if name.strip() not in ("", "none")]


def _start(given: str) -> dict[str, Any]:
    if given in WHOLE_START:
        return {"start": given}
    if given.isdecimal():
        return {"start": TrainingRun.Start.PARENT, "parent": model_version_by_id(int(given))}
    return {"start": TrainingRun.Start.FOLDER, "weights_folder": given}
