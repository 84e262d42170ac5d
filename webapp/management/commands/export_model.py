"""Export a model version for another runtime, checked against the original masks."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from segmentation.model_files import EXPORTED_TO, check_path
from webapp import storage
from webapp.actions.exports import use_backend
from webapp.actions.refused import Refused
from webapp.management.arguments import json_line, model_version_by_id
from webapp.models import ModelExport, ModelVersion
from webapp.pipeline.model_exports import run_export


class Command(BaseCommand):
    help = "Export a model version to ONNX, OpenVINO or 8-bit integers, and say how it compares with the original."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", type=int, metavar="ID", required=True)
        parser.add_argument("--backend", required=True, choices=list(EXPORTED_TO))
        parser.add_argument("--use", action="store_true", help="workers run this version with it from now on")
        parser.add_argument("--out", type=Path, metavar="FOLDER", help="copy the exported files there as well")
        parser.add_argument("--json", action="store_true", help="last line: a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        model_version = model_version_by_id(options["model"])
        export = self._export(model_version, options["backend"])
        if options["use"]:
            try:
                use_backend(model_version=model_version, backend=export.backend, user=None)
            except Refused as error:
                raise CommandError(str(error)) from error
        if options["out"]:
            _copy(model_version, export.backend, options["out"])
        agreement = export.agreement_fraction or 0
        if options["json"]:
            self.stdout.write(
                json_line(
                    {
                        "model": model_version.pk,
                        "backend": export.backend,
                        "agreement_fraction": agreement,
                        "images": export.image_count,
                        "bytes": export.file_bytes,
                        "speed_ratio": export.speed_ratio,
                        "iou": export.label_ious,
                        "in_use": options["use"],
                    }
                )
            )
            return
        self.stdout.write(
            f"Model {model_version.pk} as {export.get_backend_display()}: {100 * agreement:.3f} % of the pixels of "
            f"{export.image_count} images agree, {(export.file_bytes or 0) / 1e6:.1f} MB, "
            f"{export.speed_ratio or 0:.1f} × as fast as PyTorch. {_losses(export)}"
            f"{'Workers use it.' if options['use'] else 'Workers do not use it yet (--use).'}"
        )

    def _export(self, model_version: ModelVersion, backend: str) -> ModelExport:
        export, _ = ModelExport.objects.update_or_create(
            model_version=model_version,
            backend=backend,
            defaults={"state": ModelExport.State.QUEUED, "error": ""},
        )
        run_export(export.pk)
        export.refresh_from_db()
        if export.state != ModelExport.State.DONE:
            raise CommandError(export.error)
        return export


def _losses(export: ModelExport) -> str:
    """IoU before and after of each label that has one, where it was measured."""
    rows = [row for row in export.label_ious if row["before"] is not None]
    if not rows:
        return ""
    told = ", ".join(f"{row['label']} {row['before']:.3f} → {row['after'] or 0:.3f}" for row in rows)
    return f"IoU on {export.validation_count} validation images: {told}. "


def _copy(model_version: ModelVersion, backend: str, target: Path) -> None:
    folder = storage.fetch_folder(storage.model_folder(model_version.folder))
    exported = folder / EXPORTED_TO[backend]
    target.mkdir(parents=True, exist_ok=True)
    files = [exported, check_path(folder, backend), folder / "model.json", folder / "card.md"]
    if (weights := exported.with_suffix(".bin")).is_file():
        files.append(weights)
    for file in files:
        shutil.copy2(file, target / file.name)
