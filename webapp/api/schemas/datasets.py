"""Data sets, and data sets on their way in."""

from __future__ import annotations

from datetime import datetime

from ninja import Schema

from webapp.models import DatasetImport
from webapp.models.dataset_facts import DatasetFacts


class SplitCount(Schema):
    """How much of a label a split has; zeros where it has none."""

    images: int
    pixels: int


class DatasetLabel(Schema):
    label: str
    train: SplitCount
    val: SplitCount
    test: SplitCount


class DatasetOut(Schema):
    """`images` by split; `labels` is null where nobody counted; `notes` are sentences about the split."""

    id: int
    name: str
    format: str
    checksum: str
    grouping: list[str]
    created_at: datetime
    images: dict[str, int]
    labels: list[DatasetLabel] | None
    notes: list[str]

    @classmethod
    def of(cls, facts: DatasetFacts) -> DatasetOut:
        dataset = facts.dataset
        labels = None
        if facts.labels is not None:
            labels = [
                DatasetLabel(
                    label=row.label.name,
                    **{
                        split: SplitCount(images=images, pixels=pixels)
                        for split, (images, pixels, _) in zip(("train", "val", "test"), row.cells, strict=True)
                    },
                )
                for row in facts.labels
            ]
        return cls(
            id=dataset.pk,
            name=dataset.name,
            format=dataset.format,
            checksum=dataset.checksum,
            grouping=dataset.grouping,
            created_at=dataset.created_at,
            images={split: count for split, (_, count, _) in zip(("train", "val", "test"), facts.counts, strict=True)},
            labels=labels,
            notes=dataset.notes,
        )


class DatasetImportOut(Schema):
    """`status`: waiting, running, asking (its labels, on the page), done or failed; `dataset` is its id once done."""

    id: int
    name: str
    status: str
    done_count: int
    image_count: int | None
    error: str
    dataset: int | None
    created_at: datetime

    @classmethod
    def of(cls, wanted: DatasetImport) -> DatasetImportOut:
        return cls(
            id=wanted.pk,
            name=wanted.name,
            status=wanted.state,
            done_count=wanted.done_count,
            image_count=wanted.image_count,
            error=wanted.error,
            dataset=wanted.dataset_id,
            created_at=wanted.created_at,
        )
