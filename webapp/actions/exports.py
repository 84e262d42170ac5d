"""Exports: ask for a version in another runtime's format, and choose which one workers use."""

from __future__ import annotations

from django.db import transaction

from segmentation.model_files import BACKENDS, ExportError, choose_backend
from webapp import storage
from webapp.actions.refused import Refused
from webapp.models import ModelExport, ModelVersion, User
from webapp.tasks import export_model, queue_on_commit


@transaction.atomic
def start_export(*, model_version: ModelVersion, backend: str, user: User | None) -> ModelExport:
    """Let a worker export and check it; again where it was refused before. Refused for an unknown format."""
    if backend not in ModelExport.Backend.values:
        raise Refused(
            f"Expected one of {', '.join(ModelExport.Backend.values)}, got {backend[:40]!r}.", field="backend"
        )
    export, _ = ModelExport.objects.update_or_create(
        model_version=model_version,
        backend=backend,
        defaults={"state": ModelExport.State.QUEUED, "error": "", "attempts_count": 0, "created_by": user},
    )
    queue_on_commit(export_model, export.pk)
    return export


def use_backend(*, model_version: ModelVersion, backend: str, user: User | None) -> None:
    """What workers run this version with from their next chunk on. Refused where its export has passed no check."""
    if backend not in BACKENDS:
        raise Refused(f"Expected one of {', '.join(BACKENDS)}, got {backend[:40]!r}.", field="backend")
    folder = storage.fetch_folder(storage.model_folder(model_version.folder))
    try:
        choose_backend(folder, backend)
    except ExportError as error:
        raise Refused(f"{str(error)[:1].upper()}{str(error)[1:]}.", field="backend") from error
    storage.keep_folder(folder)
