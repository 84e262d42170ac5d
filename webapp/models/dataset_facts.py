"""What pages and the API say about data sets, from few queries."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count

from segmentation.datasets import FORMATS
from webapp.models.dataset_groupings import GROUPINGS
from webapp.models.learning import Dataset, DatasetImage
from webapp.models.projects import Label

SPLITS = tuple((split.value, split.label) for split in DatasetImage.Split)


@dataclass(frozen=True)
class LabelRow:
    """`cells`: (images, pixels, share of the split's judged pixels) for training, validation and test."""

    label: Label
    cells: tuple[tuple[int, int, float], ...]

    @property
    def image_count(self) -> int:
        return sum(images for images, _, _ in self.cells)

    @property
    def is_missing(self) -> bool:
        """In training, but not in both others: some score says nothing about it."""
        return self.cells[0][0] > 0 and not all(images for images, _, _ in self.cells)


@dataclass(frozen=True)
class DatasetFacts:
    """`counts`: (word, images, share of all) for each split. `labels` is None where nobody counted yet."""

    dataset: Dataset
    counts: tuple[tuple[str, int, float], ...]
    labels: tuple[LabelRow, ...] | None

    @property
    def image_count(self) -> int:
        return sum(count for _, count, _ in self.counts)

    @property
    def bar(self) -> list[tuple[float, float]]:
        """(start, width) of each split in a bar of length 1."""
        ends = list(itertools.accumulate((share for _, _, share in self.counts), initial=0.0))
        return [(start, end - start) for start, end in itertools.pairwise(ends)]

    @property
    def format_title(self) -> str:
        known = FORMATS.get(self.dataset.format)
        return known.title if known else "The project's annotations" if self.dataset.format else "Imported"

    @property
    def grouping_words(self) -> str:
        titles = [GROUPINGS[name].title.lower() for name in self.dataset.grouping if name in GROUPINGS]
        return ", ".join(titles) or "every image for itself"


def facts_of(datasets: Sequence[Dataset], labels: Iterable[Label]) -> list[DatasetFacts]:
    """For data sets of one project, in one query."""
    rows = DatasetImage.objects.filter(dataset__in=datasets).values_list("dataset_id", "split").annotate(n=Count("pk"))
    counts: dict[int, dict[str, int]] = {}
    for dataset_id, split, count in rows:
        counts.setdefault(dataset_id, {})[split] = count
    labels = list(labels)
    return [_facts(dataset, counts.get(dataset.pk, {}), labels) for dataset in datasets]


def _facts(dataset: Dataset, counts: dict[str, int], labels: list[Label]) -> DatasetFacts:
    total = sum(counts.values()) or 1
    return DatasetFacts(
        dataset=dataset,
        counts=tuple((word, counts.get(split, 0), counts.get(split, 0) / total) for split, word in SPLITS),
        labels=None if dataset.label_pixels is None else tuple(_label_rows(dataset, labels)),
    )


def _label_rows(dataset: Dataset, labels: list[Label]) -> Iterable[LabelRow]:
    images, pixels = dataset.label_counts or {}, dataset.label_pixels or {}
    totals = {split: sum(pixels.get(split, {}).values()) or 1 for split, _ in SPLITS}
    for label in labels:
        index = str(label.index)
        cells = tuple(
            (
                images.get(split, {}).get(index, 0),
                pixels.get(split, {}).get(index, 0),
                pixels.get(split, {}).get(index, 0) / totals[split],
            )
            for split, _ in SPLITS
        )
        if any(count for count, _, _ in cells):
            yield LabelRow(label, cells)
