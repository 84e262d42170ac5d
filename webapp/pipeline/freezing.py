"""A data set is frozen: its images, annotations and split become rows that never change, under a checksum."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from django.db import transaction

from webapp.models import Annotation, Dataset, DatasetImage, Image, Project, User
from webapp.pipeline.dataset_members import Member
from webapp.pipeline.split_choice import SplitChoice, choose_split


class ChangedDatasetError(ValueError):
    """A data set is no longer what was frozen."""


def freeze(
    project: Project,
    members: Sequence[Member],
    *,
    user: User | None,
    name: str,
    format: str,
    rule: str,
    grouping: Collection[str],
    notes: Sequence[str] = (),
) -> Dataset:
    """Choose the split and write the rows. The same images, masks and split again give the data set that is there."""
    labels = dict(project.labels.values_list("index", "name"))
    earlier = DatasetImage.objects.filter(dataset__project=project).values_list("annotation__image__sha256", flat=True)
    choice = choose_split(
        members,
        rule=rule,
        grouping=grouping,
        label_names=labels,
        locked=set(earlier.filter(split=DatasetImage.Split.TEST)),
        learned=set(earlier.exclude(split=DatasetImage.Split.TEST)),
    )
    return _write(project, members, choice, user=user, name=name, format=format, grouping=grouping, notes=notes)


def require_unchanged(dataset: Dataset) -> None:
    """ChangedDatasetError where the rows no longer give the checksum that the data set was frozen under."""
    rows = dataset.dataset_images.values_list("annotation__image__sha256", "annotation__mask_sha256", "split")
    if checksum_of(rows) != dataset.checksum:
        raise ChangedDatasetError(
            f"data set {dataset.name} is not what was frozen: images, masks or the split were changed in the"
            f" database. Expected checksum {dataset.checksum}; import it anew"
        )


def checksum_of(rows: Iterable[tuple[str, str, str]]) -> str:
    """SHA-256 over (image SHA-256, mask SHA-256, split) of every image, in any order."""
    return hashlib.sha256("\n".join(sorted(" ".join(row) for row in rows)).encode()).hexdigest()


@transaction.atomic
def _write(
    project: Project,
    members: Sequence[Member],
    choice: SplitChoice,
    *,
    user: User | None,
    name: str,
    format: str,
    grouping: Collection[str],
    notes: Sequence[str],
) -> Dataset:
    checksum = checksum_of((row.image_sha256, row.mask_sha256, choice.splits[row.name]) for row in members)
    counts, pixels = _sums(members, choice)
    dataset, is_new = Dataset.objects.get_or_create(
        project=project,
        checksum=checksum,
        defaults={
            "name": name[:200],
            "format": format,
            "grouping": sorted(grouping),
            "notes": [*notes, *choice.notes],
            "label_counts": counts,
            "label_pixels": pixels,
            "preview_name": _preview_name(members, choice),
            "created_by": user,
        },
    )
    if not is_new:
        return dataset
    numbers = {group: number for number, group in enumerate(sorted(set(choice.groups.values())))}
    rows = []
    for member in members:
        image, _ = Image.objects.get_or_create(project=project, sha256=member.image_sha256, defaults=member.columns)
        annotation, _ = Annotation.objects.get_or_create(
            image=image, mask_sha256=member.mask_sha256, defaults={"created_by": user}
        )
        rows.append(
            DatasetImage(
                dataset=dataset,
                annotation=annotation,
                name=member.name[-500:],
                split=choice.splits[member.name],
                group_number=numbers[choice.groups[member.name]],
            )
        )
    DatasetImage.objects.bulk_create(rows)
    return dataset


_Sums = dict[str, dict[str, int]]


def _sums(members: Sequence[Member], choice: SplitChoice) -> tuple[_Sums, _Sums]:
    """Split → label index → images, and the same → pixels."""
    counts: dict[str, Counter[int]] = {split: Counter() for split in DatasetImage.Split.values}
    pixels: dict[str, Counter[int]] = {split: Counter() for split in DatasetImage.Split.values}
    for member in members:
        split = choice.splits[member.name]
        counts[split].update(member.pixels.keys())
        pixels[split].update(member.pixels)
    return _plain(counts), _plain(pixels)


def _plain(sums: dict[str, Counter[int]]) -> _Sums:
    return {split: {str(index): count for index, count in sorted(found.items())} for split, found in sums.items()}


def _preview_name(members: Sequence[Member], choice: SplitChoice) -> str:
    """The training image with most pixels of the label that fewest training images show."""
    training = [member for member in members if choice.splits[member.name] == "train"]
    carriers = Counter(index for member in training for index in member.pixels)
    if not carriers:
        return training[0].name[-500:] if training else ""
    rarest = min(carriers, key=lambda index: (carriers[index], index))
    return max(training, key=lambda member: member.pixels.get(rarest, 0)).name[-500:]
