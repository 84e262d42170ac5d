"""Segment a folder of pictures as a batch of a project, in this process."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from webapp.actions.runs import start_run
from webapp.actions.upload import add_file, open_batch, seal_batch
from webapp.management.arguments import json_line, model_version_by_id, project_by_slug
from webapp.models import Batch, ModelVersion, Project, batch_progress
from webapp.pipeline.segment import segment_run


class Command(BaseCommand):
    help = "Upload a folder of pictures as a batch of a project and segment it here and now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--project", metavar="SLUG", required=True)
        parser.add_argument("--model", type=int, metavar="ID", help="default: the project's live model")
        parser.add_argument("--name", default="", help="name of the batch; default: the folder's name")
        parser.add_argument("--json", action="store_true", help="last line: a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_by_slug(options["project"])
        model_version = self._model(project, options["model"])
        files = _files(options["path"])
        batch = self._upload(project, model_version, files, options)
        started = time.monotonic()
        run = batch.runs.get(model_version=model_version)
        with tqdm(total=len(files), unit=" images", disable=options["json"], leave=False) as bar:
            while (progress := batch_progress(batch)).waiting_count:
                bar.update(progress.done_count + progress.failed_count - bar.n)
                if not segment_run(run.pk):
                    time.sleep(0.2)
        self._report(batch, time.monotonic() - started, as_json=options["json"])

    def _model(self, project: Project, model_id: int | None) -> ModelVersion:
        model_version = project.live_model if model_id is None else model_version_by_id(model_id)
        if model_version is None:
            raise CommandError(
                f"Project {project.name} has no live model. Train one: manage.py train --project {project.slug}"
            )
        if model_version.project_id != project.pk:
            raise CommandError(f"Model {model_version.pk} belongs to project {model_version.project.slug}.")
        return model_version

    def _upload(
        self,
        project: Project,
        model_version: ModelVersion,
        files: list[tuple[str, Path]],
        options: dict[str, Any],
    ) -> Batch:
        batch = open_batch(project=project, user=None, name=options["name"] or options["path"].name)
        start_run(batch=batch, model_version=model_version, user=None)
        for name, path in files:
            with path.open("rb") as stream:
                added = add_file(batch=batch, name=name, stream=stream)
            if added.outcome == "rejected":
                self.stderr.write(f"{name}: {added.reason}")
        seal_batch(batch=batch)
        return batch

    def _report(self, batch: Batch, seconds: float, *, as_json: bool) -> None:
        progress = batch_progress(batch)
        if as_json:
            self.stdout.write(
                json_line(
                    {
                        "batch": batch.pk,
                        "images": progress.image_count,
                        "done": progress.done_count,
                        "defective": progress.fail_verdict_count,
                        "failed": progress.failed_count,
                        "rejected": progress.rejected_count,
                        "seconds": round(seconds, 2),
                    }
                )
            )
            return
        self.stdout.write(
            f"Batch {batch.name}: {progress.done_count} of {progress.image_count} images segmented, "
            f"{progress.fail_verdict_count} defective, {progress.failed_count} failed, "
            f"{progress.rejected_count} files rejected, {seconds:.1f} s."
        )


def _files(path: Path) -> list[tuple[str, Path]]:
    if not path.is_dir():
        raise CommandError(f"Expected a folder of pictures, got {path}.")
    files = [(str(file.relative_to(path)), file) for file in sorted(path.rglob("*")) if file.is_file()]
    if not files:
        raise CommandError(f"{path} holds no files.")
    return files
