"""All versions of a project side by side on the same images that none of them learned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from webapp.models.judging import Evaluation
from webapp.models.learned_images import learned_counts
from webapp.models.learning import Dataset, DatasetImage, ModelVersion
from webapp.models.projects import Project

DEFAULT_SORT = "quality"


@dataclass(frozen=True)
class LeaderboardRow:
    """One version and its evaluation on the chosen images; None where nobody asked for it yet.

    `learned_count`: of these images, how many it learned from (see `learned_images`); its scores are too good then.
    """

    model_version: ModelVersion
    evaluation: Evaluation | None
    learned_count: int = 0

    @property
    def scores(self) -> dict[str, Any]:
        """Empty until it is evaluated."""
        done = self.evaluation is not None and self.evaluation.state == Evaluation.State.DONE
        return self.evaluation.scores if self.evaluation is not None and done else {}

    @property
    def is_going_on(self) -> bool:
        return self.evaluation is not None and self.evaluation.is_going_on

    @property
    def is_missing(self) -> bool:
        """Without scores, and nobody at them."""
        return not self.scores and not self.is_going_on

    @property
    def mean_defect_iou(self) -> float | None:
        """0–1; the mean over all labels where the project has no defect label in these images."""
        found = self.scores.get("mean_defect_iou")
        return self.scores.get("mean_iou") if found is None else found

    @property
    def counts(self) -> dict[str, int] | None:
        """`defective`, `good`, `missed` and `rejected` images."""
        return self.scores.get("counts")

    @property
    def seconds_per_1000_images(self) -> float | None:
        return self.evaluation.seconds_per_1000_images if self.evaluation is not None and self.scores else None

    @property
    def is_under_another_rule(self) -> bool:
        """Whether the project's limit was changed since, or taken away: then the version's own limits judge."""
        version, common_px = self.model_version, self.model_version.project.min_region_px
        own = [] if common_px is not None else [row.min_region_px for row in version.model_labels.all()]
        now = common_px or version.min_region_px, sorted(limit for limit in own if limit is not None)
        then = self.scores.get("min_region_px"), sorted(self.scores.get("label_min_region_px", {}).values())
        return bool(self.scores) and now != then


def _ratio(row: LeaderboardRow, part: str, whole: str) -> float | None:
    counts = row.counts
    return counts[part] / counts[whole] if counts and counts[whole] else None


SORTS: dict[str, tuple[Callable[[LeaderboardRow], float | None], bool]] = {
    "version": (lambda row: row.model_version.number, True),
    "quality": (lambda row: row.mean_defect_iou, True),
    "missed": (lambda row: _ratio(row, "missed", "defective"), False),
    "rejected": (lambda row: _ratio(row, "rejected", "good"), False),
    "speed": (lambda row: row.seconds_per_1000_images, False),
    "size": (lambda row: row.model_version.file_bytes, False),
    "parameters": (lambda row: row.model_version.parameter_count, False),
}
"""What each column sorts by, and whether its largest value comes first."""


def leaderboard(
    project: Project, dataset: Dataset | None, split: str | None, *, sort: str = DEFAULT_SORT, reverse: bool = False
) -> list[LeaderboardRow]:
    """Every version of the project, best first by `sort` (a key of SORTS); those without a number come last."""
    versions = ModelVersion.objects.filter(project=project).select_related(
        "project", "created_by", "training_run__dataset"
    )
    evaluations = (
        {row.model_version_id: row for row in Evaluation.objects.filter(dataset=dataset, split=split)}
        if dataset is not None and split is not None
        else {}
    )
    learned = learned_counts(project, dataset, split)
    rows = [
        LeaderboardRow(version, evaluations.get(version.pk), learned.get(version.pk, 0))
        for version in versions.prefetch_related("model_labels__label")
    ]
    return _sorted(rows, sort, reverse=reverse)


def _sorted(rows: Sequence[LeaderboardRow], sort: str, *, reverse: bool) -> list[LeaderboardRow]:
    value, largest_first = SORTS[sort]
    known = [(found, row) for row in rows if (found := value(row)) is not None]
    known.sort(key=lambda item: item[0], reverse=largest_first != reverse)
    return [row for _, row in known] + [row for row in rows if value(row) is None]


@dataclass(frozen=True)
class Holdout:
    """The images of a data set that versions are compared on; `split` is None where none were kept apart."""

    dataset: Dataset
    split: str | None
    image_count: int

    @property
    def is_validation(self) -> bool:
        return self.split == DatasetImage.Split.VALIDATION


def holdout(dataset: Dataset) -> Holdout:
    """What versions are compared on in one data set."""
    members = dataset.dataset_images.values_list("split").annotate(Count("pk"))
    return _holdout(dataset, {(dataset.pk, split): count for split, count in members})


def holdouts(project: Project) -> list[Holdout]:
    """The hold-out of each data set of the project, newest first: test images, else those of validation."""
    members = DatasetImage.objects.filter(dataset__project=project)
    counts = {(row[0], row[1]): row[2] for row in members.values_list("dataset", "split").annotate(Count("pk"))}
    return [_holdout(dataset, counts) for dataset in Dataset.objects.filter(project=project).order_by("-pk")]


def _holdout(dataset: Dataset, counts: Mapping[tuple[int, str], int]) -> Holdout:
    for split in (DatasetImage.Split.TEST, DatasetImage.Split.VALIDATION):
        if counts.get((dataset.pk, split)):
            return Holdout(dataset, split, counts[dataset.pk, split])
    return Holdout(dataset, None, 0)
