"""Which versions learned from images that others are judged on."""

from __future__ import annotations

from collections import defaultdict

from webapp.models.learning import Dataset, DatasetImage, ModelVersion
from webapp.models.projects import Project


def learned_counts(project: Project, dataset: Dataset | None, split: str | None) -> dict[int, int]:
    """Version id → how many images of this split it learned from, itself or what it started from; none left out.

    A data set keeps its own test images from training, but another one of the project may have them in training or
    validation: an older one, or one whose split was given. Of validation images, which choose the weights anyway,
    only those in training count.
    """
    if dataset is None or split is None:
        return {}
    versions = ModelVersion.objects.filter(project=project)
    came_from = {
        pk: (learned_from, parent)
        for pk, learned_from, parent in versions.values_list("pk", "training_run__dataset", "training_run__parent")
    }
    images = _shared_images(dataset, split, {found for found, _ in came_from.values() if found})
    if not images:
        return {}

    def learned(version: int | None) -> set[int]:
        if version not in came_from:
            return set()
        learned_from, parent = came_from[version]
        return images.get(learned_from, set()) | learned(parent)

    counts = {version: len(learned(version)) for version in came_from}
    return {version: count for version, count in counts.items() if count}


def _shared_images(dataset: Dataset, split: str, learned_from: set[int]) -> dict[int, set[int]]:
    """Data set id → images that it teaches with and `split` of `dataset` has too."""
    teaching = {DatasetImage.Split.TRAIN, DatasetImage.Split.VALIDATION} - {split}
    kept = DatasetImage.objects.filter(dataset=dataset, split=split)
    shared = DatasetImage.objects.filter(
        dataset__in=learned_from, split__in=teaching, annotation__image__in=kept.values("annotation__image")
    )
    images: dict[int, set[int]] = defaultdict(set)
    for learner, image in shared.values_list("dataset", "annotation__image"):
        images[learner].add(image)
    return images
