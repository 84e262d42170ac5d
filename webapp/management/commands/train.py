"""Train a model version on a data set of a project; it goes live."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.architectures import ARCHITECTURES
from segmentation.pairs import PairError
from segmentation.train import Epoch, TrainSettings
from webapp.actions.model_versions import add_color_model, go_live
from webapp.actions.training import Trained, train_model
from webapp.management.arguments import json_line, project_by_slug
from webapp.models import Dataset, Project

UNTRAINED = "nearest-color"


class Command(BaseCommand):
    help = (
        "Train on the project's newest data set (or --dataset) and put the result live. "
        f"{UNTRAINED} needs no data set: it takes the label colours."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", metavar="SLUG", required=True)
        parser.add_argument("--architecture", metavar="NAME", required=True, help=", ".join(ARCHITECTURES))
        parser.add_argument("--encoder", metavar="NAME", help="any of the library's; default: a light one")
        parser.add_argument("--dataset", type=int, metavar="ID", help="default: the project's newest")
        length = parser.add_mutually_exclusive_group()
        length.add_argument("--epochs", type=int, metavar="N")
        length.add_argument("--minutes", type=float, metavar="M")
        parser.add_argument("--crop-px", type=int, metavar="PX", help="side of training crops; default: by the images")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--json", action="store_true", help="last line: a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_by_slug(options["project"])
        if options["architecture"] not in ARCHITECTURES:
            raise CommandError(
                f"There is no architecture {options['architecture']!r}. Known: {', '.join(ARCHITECTURES)}."
            )
        trained = self._colors(project) if options["architecture"] == UNTRAINED else self._train(project, options)
        if options["json"]:
            self.stdout.write(
                json_line(
                    {
                        "model": trained.model_version.pk,
                        "minutes": round(trained.minutes, 2),
                        "iou": trained.iou,
                    }
                )
            )
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

    def _train(self, project: Project, options: dict[str, Any]) -> Trained:
        dataset = self._dataset(project, options["dataset"])
        with tqdm(total=100, unit="%", disable=options["json"], leave=False) as bar:

            def show(epoch: Epoch) -> None:
                bar.update(round(100 * epoch.progress_fraction) - bar.n)
                score = "–" if epoch.mean_iou is None else f"{epoch.mean_iou:.3f}"
                bar.set_postfix_str(f"epoch {epoch.index}, loss {epoch.loss:.3f}, validation mIoU {score}")
                if options["json"]:
                    self.stderr.write(f"epoch {epoch.index} loss {epoch.loss:.4f} mIoU {score} {epoch.seconds:.0f} s")

            try:
                return train_model(
                    project=project,
                    user=None,
                    dataset=dataset,
                    architecture=options["architecture"],
                    encoder=options["encoder"],
                    settings=TrainSettings(
                        epochs=options["epochs"],
                        minutes=options["minutes"],
                        crop_px=options["crop_px"],
                        seed=options["seed"],
                    ),
                    on_epoch=show,
                )
            except (PairError, ValueError) as error:
                raise CommandError(str(error)) from error

    def _dataset(self, project: Project, dataset_id: int | None) -> Dataset:
        datasets = Dataset.objects.filter(project=project).order_by("-id")
        dataset = (datasets if dataset_id is None else datasets.filter(pk=dataset_id)).first()
        if dataset is None:
            raise CommandError(
                f"Project {project.name} has no {'data set yet' if dataset_id is None else f'data set {dataset_id}'}. "
                f"Import one: manage.py import_dataset PATH --project {project.slug}"
            )
        return dataset
