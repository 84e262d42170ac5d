"""How many images of each split of a data set show each label: counted once, since a data set never changes."""

from __future__ import annotations

from collections import Counter

from webapp.models import Dataset, DatasetImage
from webapp.pipeline.training_data import annotation_paths, labels_in

LabelCounts = dict[str, dict[int, int]]


def label_counts(dataset: Dataset) -> LabelCounts:
    """Split → project label index → images that show the label; every split is there, absent labels are not.

    Reads every mask the first time, and keeps what it found.
    """
    if dataset.label_counts is None:
        dataset.label_counts = {split: _count(dataset, split) for split in DatasetImage.Split.values}
        Dataset.objects.filter(pk=dataset.pk).update(label_counts=dataset.label_counts)
    return {
        split: {int(index): count for index, count in counts.items()} for split, counts in dataset.label_counts.items()
    }


def _count(dataset: Dataset, split: str) -> dict[str, int]:
    counts: Counter[int] = Counter()
    for path in annotation_paths(dataset, split):
        counts.update(labels_in(path))
    return {str(index): count for index, count in sorted(counts.items())}
