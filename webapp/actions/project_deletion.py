"""Delete a project with everything that hangs on it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from django.db import connection, transaction

from webapp import storage
from webapp.actions.batches import forget_originals, remove_files
from webapp.actions.people import require_admin
from webapp.models import (
    Annotation,
    Archive,
    DatasetExport,
    DatasetImage,
    DatasetImport,
    Evaluation,
    Image,
    ModelImport,
    ModelVersion,
    Prediction,
    Project,
    Report,
    User,
)
from webapp.pipeline.contents import remove_unheld_masks

_PROJECT = "project_id = %(project)s"
_IMAGE = "image_id IN (SELECT id FROM image WHERE project_id = %(project)s)"
_MODEL = "model_version_id IN (SELECT id FROM model_version WHERE project_id = %(project)s)"
_BATCH = "batch_id IN (SELECT id FROM batch WHERE project_id = %(project)s)"
_SOURCE = "source_id IN (SELECT id FROM source WHERE project_id = %(project)s)"
_DATASET = "dataset_id IN (SELECT id FROM dataset WHERE project_id = %(project)s)"
_TRAINING = "training_run_id IN (SELECT id FROM training_run WHERE project_id = %(project)s)"
_RUN = (
    "run_id IN (SELECT run.id FROM run "
    "JOIN model_version ON model_version.id = run.model_version_id WHERE project_id = %(project)s)"
)
_EVALUATION = (
    "evaluation_id IN (SELECT evaluation.id FROM evaluation "
    "JOIN model_version ON model_version.id = evaluation.model_version_id WHERE project_id = %(project)s)"
)
_PREDICTION = (
    "prediction_id IN (SELECT prediction.id FROM prediction "
    "JOIN model_version ON model_version.id = prediction.model_version_id WHERE model_version.project_id = %(project)s)"
)
_INTAKE = "intake_id IN (SELECT id FROM intake WHERE project_id = %(project)s)"
_SAMPLE = "sample_id IN (SELECT id FROM audit_sample WHERE project_id = %(project)s)"
_STRATUM = f"stratum_id IN (SELECT id FROM audit_stratum WHERE {_SAMPLE})"  # noqa: S608
_SCHEDULE = "reportschedule_id IN (SELECT id FROM report_schedule WHERE project_id = %(project)s)"

# What leans on others goes first. Plain SQL: a project can have millions of rows, which need not be loaded.
_ROWS: tuple[tuple[str, str], ...] = (
    ("notification", _PROJECT),
    ("report", _PROJECT),
    ("report_schedule_recipients", _SCHEDULE),
    ("report_schedule", _PROJECT),
    ("saved_view", _PROJECT),
    ("draft_rule", _PROJECT),
    ("project_event", _PROJECT),
    ("audit_image", _STRATUM),
    ("audit_stratum", _SAMPLE),
    ("audit_sample", _PROJECT),
    ("review", _PROJECT),
    ("evaluated_image", _EVALUATION),
    ("evaluation", _MODEL),
    ("promotion", _PROJECT),
    ("model_import", _PROJECT),
    ("dataset_export", _DATASET),
    ("dataset_import", _PROJECT),
    ("model_export", _MODEL),
    ("shadow_image", _RUN),
    ("region", _PREDICTION),
    ("measurement", _PREDICTION),
    ("inspection_rollup", _PROJECT),
    ("inspection_rollup_total", _PROJECT),
    ("inspection_day", _PROJECT),
    ("inspection_day_total", _PROJECT),
    ("label_rollup", _PROJECT),
    ("label_rollup_total", _PROJECT),
    ("label_day", _PROJECT),
    ("label_day_total", _PROJECT),
    ("inspection_month", _PROJECT),
    ("label_month", _PROJECT),
    ("spread_rollup", _PROJECT),
    ("prediction", _MODEL),
    ("run", _MODEL),
    ("partial_upload", _PROJECT),
    ("announced_file", _BATCH),
    ("arrived_file", _BATCH),
    ("skipped_file", _BATCH),
    ("archive", _BATCH),
    ("batch_image", _BATCH),
    ("seen_file", _INTAKE),
    ("intake", _PROJECT),
    ("dataset_image", _DATASET),
    ("annotation", _IMAGE),
    ("image", _PROJECT),
    ("batch", _PROJECT),
    ("model_label", _MODEL),
    ("model_version", _PROJECT),
    ("training_epoch", _TRAINING),
    ("training_run", _PROJECT),
    ("dataset", _PROJECT),
    ("label", _PROJECT),
    ("zone", _SOURCE),
    ("source", _PROJECT),
    ("project", "id = %(project)s"),
)


@transaction.atomic
def delete_project(*, project: Project, user: User) -> None:
    """Delete a project: its rows in one transaction, then the files that no other project needs.

    PermissionDenied unless `user` is an administrator of its workspace.
    """
    require_admin(user, project.workspace)
    Project.objects.select_for_update().get(pk=project.pk)
    _remove_files_on_commit(project)
    Project.objects.filter(pk=project.pk).update(live_model=None)
    with connection.cursor() as cursor:
        for table, which in _ROWS:
            cursor.execute(f"DELETE FROM {table} WHERE {which}", {"project": project.pk})  # noqa: S608


def _remove_files_on_commit(project: Project) -> None:
    predictions = Prediction.objects.filter(model_version__project=project).values_list("pk", flat=True)
    files = [path(pk) for pk in predictions for path in (storage.mask_path, storage.overlay_path)]
    unpacking = Archive.objects.filter(batch__project=project).exclude(path="")
    files += [storage.archive_path(path) for path in unpacking.values_list("path", flat=True)]
    models = ModelVersion.objects.filter(project=project).values_list("folder", flat=True)
    folders = [storage.model_folder(folder) for folder in models]
    folders += [storage.training_folder(pk) for pk in project.training_runs.values_list("pk", flat=True)]
    taken = ModelImport.objects.filter(project=project).values_list("path", flat=True)
    files += [storage.import_path(path) for path in taken]
    evaluations = Evaluation.objects.filter(model_version__project=project).values_list("pk", flat=True)
    folders += [storage.evaluation_folder(pk) for pk in evaluations]
    members = DatasetImage.objects.filter(dataset__project=project).values_list("pk", flat=True)
    files += [storage.truth_overlay_path(pk) for pk in members]
    exports = DatasetExport.objects.filter(dataset__project=project).values_list("pk", flat=True)
    files += [storage.dataset_export_path(pk) for pk in exports]
    written = Report.objects.filter(project=project).exclude(path="")
    files += [storage.report_path(path) for path in written.values_list("path", flat=True)]
    for wanted in DatasetImport.objects.filter(project=project):
        folders.append(storage.dataset_import_folder(wanted.pk))
        files += [storage.archive_path(wanted.archive)] if wanted.archive else []
    annotations = Annotation.objects.filter(image__project=project)
    masks = set(annotations.values_list("mask_sha256", flat=True))
    transaction.on_commit(lambda: remove_files(files))
    transaction.on_commit(lambda: _remove_folders(folders))
    transaction.on_commit(lambda: remove_unheld_masks(masks))
    forget_originals(list(Image.objects.filter(project=project).values_list("sha256", flat=True)))


def _remove_folders(folders: Collection[Path]) -> None:
    for folder in folders:
        storage.remove_folder(folder)
