"""Labels of a project: add, change, remove. An index that masks or models use never changes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from segmentation.spec import MAX_LABELS
from webapp.actions.events import record
from webapp.actions.project_templates import LabelInput
from webapp.actions.refused import Refused
from webapp.actions.verdicts import judge_again
from webapp.models import Annotation, Label, LabelRollup, Measurement, ModelLabel, Project, ProjectEvent, User
from webapp.pipeline.new_labels import create_label

MOST_COST = 1_000_000_000
_COLOR = re.compile(r"#[0-9a-f]{6}")


@transaction.atomic
def add_label(*, project: Project, user: User | None, label: LabelInput) -> Label:
    """A new label with the next index. Images segmented before have none of it."""
    Project.objects.select_for_update().get(pk=project.pk)
    present = list(project.labels.all())
    check_labels([label_input(known) for known in present] + [label])
    return create_label(project, **_columns(label))


@transaction.atomic
def change_labels(*, project: Project, user: User | None, changes: Mapping[int, LabelInput]) -> int:
    """Change labels by their id; indices stay. Returns how many images changed their verdict by it.

    A changed defect flag judges every image of the project again. Refused where two labels would have one
    name; KeyError for an id that is not the project's.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    present = {label.pk: label for label in project.labels.all()}
    if unknown := sorted(set(changes) - set(present)):
        raise KeyError(f"labels {unknown} are not of project {project}")
    check_labels([changes.get(pk) or label_input(label) for pk, label in present.items()])
    for pk in changes:
        # Names are unique at every moment; out of the way first, so that two labels can swap theirs.
        Label.objects.filter(pk=pk).update(name=f"\x1f{pk}")
    for pk, change in changes.items():
        Label.objects.filter(pk=pk).update(**_columns(change))
    flipped = [change for pk, change in changes.items() if present[pk].is_defect != change.is_defect]
    if not flipped:
        return 0
    sentence = "; ".join(f"{change.name.strip()}: {_defect_words(change.is_defect)}" for change in flipped)
    record(project=project, kind=ProjectEvent.Kind.LABELS, sentence=sentence, user=user)
    return judge_again(project=project)


def _defect_words(is_defect: bool) -> str:
    return "from no defect to a defect" if is_defect else "from a defect to no defect"


@transaction.atomic
def remove_label(*, label: Label, user: User | None) -> None:
    """Refused while a picture, a mask or a model uses the label, and for the first one."""
    Project.objects.select_for_update().get(pk=label.project_id)
    if label.index == 0:
        raise Refused(f"{label.name} is the first label, which stands for everything else. Rename it instead.")
    if label.pk not in unused_labels(label.project):
        raise Refused(
            f"{label.name} is used by a model or found in images, so it cannot be removed. "
            "Its name, colour and defect flag can be changed."
        )
    Measurement.objects.filter(label=label).delete()
    LabelRollup.objects.filter(label=label).delete()
    label.delete()


def unused_labels(project: Project) -> set[int]:
    """Ids of the labels that no model tells apart, no image shows and no annotated mask can hold."""
    if Annotation.objects.filter(image__project=project).exists():
        return set()
    candidates = set(project.labels.filter(index__gt=0).values_list("pk", flat=True))
    candidates -= set(ModelLabel.objects.filter(label__in=candidates).values_list("label", flat=True))
    found = LabelRollup.objects.filter(label__in=candidates, pixels__gt=0)
    return candidates - set(found.values_list("label", flat=True))


def check_labels(labels: Sequence[LabelInput]) -> None:
    """Refused unless these can be the labels of one project."""
    if not 1 <= len(labels) <= MAX_LABELS:
        raise Refused(f"A project has 1 to {MAX_LABELS} labels, got {len(labels)}.", field="labels")
    seen: set[str] = set()
    for label in labels:
        _check(label)
        key = label.name.strip().lower()
        if key in seen:
            raise Refused(f"Two labels are named {label.name.strip()}. Give each its own name.", field="labels")
        seen.add(key)


def label_input(label: Label) -> LabelInput:
    return LabelInput(label.name, label.color, label.is_defect, label.severity, label.cost, label.is_person)


def create_labels(project: Project, labels: Sequence[LabelInput]) -> None:
    """The labels of a new project, indices in the order given."""
    check_labels(labels)
    Label.objects.bulk_create(
        Label(project=project, index=index, **_columns(label)) for index, label in enumerate(labels)
    )


def _check(label: LabelInput) -> None:
    name = label.name.strip()
    if not 1 <= len(name) <= 60 or not name.isprintable():
        raise Refused(f"A label name has 1 to 60 printable characters, got {name[:80]!r}.", field="labels")
    if not _COLOR.fullmatch(label.color.lower()):
        raise Refused(f"Expected a colour like #d55e00 for {name}, got {label.color!r}.", field="labels")
    if not 1 <= label.severity <= 5:
        raise Refused(f"Severity of {name} is 1 to 5, got {label.severity}.", field="labels")
    if label.cost is not None and not 0 <= label.cost < MOST_COST:
        raise Refused(f"The cost of {name} is 0 to {MOST_COST:,}, got {label.cost}.", field="labels")


def _columns(label: LabelInput) -> dict[str, Any]:
    return {
        "name": label.name.strip(),
        "color": label.color.lower(),
        "is_defect": label.is_defect,
        "severity": label.severity,
        "cost": label.cost,
        "is_person": label.is_person,
    }
