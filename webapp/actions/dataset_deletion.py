"""Delete a data set with what only it needs; refused where a version or its scores lean on it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from analytics.wording import counted
from webapp import storage
from webapp.actions.batches import forget_originals, remove_files
from webapp.actions.refused import Refused
from webapp.actions.training import delete_training
from webapp.models import (
    Annotation,
    AuditImage,
    BatchImage,
    Dataset,
    DatasetImage,
    DatasetImport,
    Evaluation,
    Image,
    ModelVersion,
    Prediction,
    Review,
    ShadowImage,
    User,
)
from webapp.pipeline.contents import remove_unheld_masks

_FROM_ANNOTATIONS = "annotations"


def obstacles(dataset: Dataset) -> list[str]:
    """Why this data set cannot be deleted, a sentence for each reason; empty where it can."""
    versions = ModelVersion.objects.filter(training_run__dataset=dataset).order_by("number")
    scored = Evaluation.objects.filter(dataset=dataset).order_by("model_version__number")
    going_on = [run for run in dataset.training_runs.order_by("pk") if not run.is_finished]
    reading = DatasetImport.objects.unfinished().filter(project=dataset.project_id)
    reasons = []
    if numbers := list(versions.values_list("number", flat=True)):
        reasons.append(f"{_versions(numbers)} learned from it; it is the proof of where {_pronoun(numbers)} from.")
    if numbers := sorted(set(scored.values_list("model_version__number", flat=True))):
        reasons.append(f"The scores of {_versions(numbers).lower()} were measured on it.")
    if going_on:
        words = "is" if len(going_on) == 1 else "are"
        reasons.append(f"{counted(len(going_on), 'training')} on it {words} not finished. Cancel first, then delete.")
    if reading.exists():
        reasons.append("Another data set is being read and may share images with it. Wait until that is done.")
    return reasons


@transaction.atomic
def delete_dataset(*, dataset: Dataset, user: User | None) -> None:
    """Delete a data set, its trainings that made no model, and images and annotations that nothing else uses.

    Images that are in a batch, that a model has segmented or that another data set holds stay. Refused with every
    reason of `obstacles`.
    """
    found = Dataset.objects.select_for_update().get(pk=dataset.pk)
    if reasons := obstacles(found):
        raise Refused(" ".join(["This data set cannot be deleted.", *reasons]))
    for training_run in found.training_runs.all():
        delete_training(training_run=training_run, user=user)
    members = list(found.dataset_images.values_list("pk", "annotation_id", "annotation__image_id"))
    files = [storage.truth_overlay_path(pk) for pk, _, _ in members]
    files += [storage.dataset_export_path(pk) for pk in found.exports.values_list("pk", flat=True)]
    is_import = found.format != _FROM_ANNOTATIONS
    found.delete()
    _delete_unused([annotation for _, annotation, _ in members], {image for _, _, image in members}, is_import)
    transaction.on_commit(lambda: remove_files(files))


def _delete_unused(annotation_ids: list[int], image_ids: set[int], is_import: bool) -> None:
    """People's own annotations stay while their image does; those that came with a data set go with it."""
    held = Exists(DatasetImage.objects.filter(annotation=OuterRef("pk")))
    loose = Annotation.objects.filter(~held, pk__in=annotation_ids)
    images = _unused(image_ids)
    ids = list(images.values_list("pk", flat=True))
    going = Annotation.objects.filter(image__in=ids) | (loose if is_import else loose.none())
    masks = set(going.values_list("mask_sha256", flat=True))
    forget_originals(list(images.values_list("sha256", flat=True)))
    going.delete()
    Image.objects.filter(pk__in=ids).delete()
    transaction.on_commit(lambda: remove_unheld_masks(masks))


def _unused(image_ids: Iterable[int]) -> QuerySet[Image]:
    own = {"image": OuterRef("pk")}
    users = (BatchImage, Prediction, Review, ShadowImage, AuditImage)
    free = [~Exists(model._default_manager.filter(**own)) for model in users]
    elsewhere = DatasetImage.objects.filter(annotation__image=OuterRef("pk"))
    return Image.objects.filter(*free, ~Exists(elsewhere), pk__in=image_ids)


def _versions(numbers: list[int]) -> str:
    *first, last = [str(number) for number in numbers]
    return f"Versions {', '.join(first)} and {last}" if first else f"Version {last}"


def _pronoun(numbers: list[int]) -> str:
    return "it comes" if len(numbers) == 1 else "they come"
