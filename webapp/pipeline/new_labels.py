"""New labels of a project, and which of its labels those of a data set are: by name, whatever the case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from segmentation.datasets import DatasetError
from segmentation.spec import IGNORE_INDEX, MAX_LABELS, LabelSpec
from webapp.models import Label, Project

LONGEST_NAME = 60

# Every label of a project has a measurement in every finished prediction, so that averages are true.
_ZEROS = """
    INSERT INTO measurement (prediction_id, label_id, pixels, area_fraction, region_count, largest_region_px)
    SELECT prediction.id, %(label)s, 0, 0, 0, 0
    FROM prediction JOIN model_version ON model_version.id = prediction.model_version_id
    WHERE prediction.state = 'done' AND model_version.project_id = %(project)s
    ON CONFLICT DO NOTHING
"""

# Its spread: every image in the bucket of nothing. Any other label of the project says how many images there are.
_SPREAD = """
    INSERT INTO spread_rollup (project_id, period, is_all_sources, start, is_current, model_version_id, source_id,
                               label_id, area_counts, place_counts)
    SELECT project_id, period, is_all_sources, start, is_current, model_version_id, source_id, %(label)s,
           ARRAY[(SELECT coalesce(sum(tally), 0)::bigint FROM unnest(area_counts) AS tally)], '{}'
    FROM spread_rollup WHERE project_id = %(project)s AND label_id = %(other)s
"""


@dataclass(frozen=True)
class MatchedLabels:
    """`table` uint8 (256,): from the data set's indices to the project's; 255 where there is none."""

    table: npt.NDArray[np.uint8]
    added: tuple[str, ...]


@transaction.atomic
def create_label(
    project: Project,
    *,
    name: str,
    color: str,
    is_defect: bool,
    severity: int = 1,
    cost: Decimal | None = None,
    is_person: bool = False,
) -> Label:
    """A label with the project's next index; images segmented before have none of it."""
    Project.objects.select_for_update().get(pk=project.pk)
    known = dict(project.labels.values_list("index", "pk"))
    label = Label.objects.create(
        project=project,
        index=max(known, default=-1) + 1,
        name=name,
        color=color,
        is_defect=is_defect,
        severity=severity,
        cost=cost,
        is_person=is_person,
    )
    values = {"label": label.pk, "project": project.pk, "other": min(known.values(), default=None)}
    with connection.cursor() as cursor:
        cursor.execute(_ZEROS, values)
        cursor.execute(_SPREAD, values)
    return label


def unknown_labels(project: Project, labels: Sequence[LabelSpec]) -> list[str]:
    """Names of a data set's labels that the project has not, whatever the case."""
    known = {name.lower() for name in project.labels.values_list("name", flat=True)}
    return [label.name for label in labels if _clean(label.name).lower() not in known]


@transaction.atomic
def match_dataset_labels(
    project: Project, labels: Sequence[LabelSpec], *, are_defects: bool, names: Mapping[str, str] | None = None
) -> MatchedLabels:
    """Find a data set's labels among the project's by name and add those it lacks.

    `names`: label of the data set → label of the project, or nothing for "not judged" (255); those it does not
    mention go by their own name. New labels are defects where the data set says so and `are_defects` does not forbid
    it. DatasetError where a name cannot be a label's, there would be too many, or `names` mentions no such label.
    """
    names = names or {}
    _refuse_unknown(names, labels)
    Project.objects.select_for_update().get(pk=project.pk)
    known = {label.name.lower(): label for label in project.labels.all()}
    table = np.full(256, IGNORE_INDEX, np.uint8)
    added = []
    for label in labels:
        name = _clean(names.get(label.name, label.name))
        if label.name in names and not name:
            continue
        if name.lower() not in known:
            if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
                raise DatasetError(f"expected label names of 1 to {LONGEST_NAME} characters, found {name[:80]!r}")
            if max((row.index for row in known.values()), default=-1) + 1 >= MAX_LABELS:
                raise DatasetError(f"the project would have more than {MAX_LABELS} labels with {name!r}")
            known[name.lower()] = create_label(
                project, name=name, color=label.color.lower(), is_defect=are_defects and label.is_defect
            )
            added.append(name)
        table[label.index] = known[name.lower()].index
    return MatchedLabels(table, tuple(added))


def _clean(name: str) -> str:
    return " ".join(name.split())


def _refuse_unknown(names: Mapping[str, str], labels: Sequence[LabelSpec]) -> None:
    known = [label.name for label in labels]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DatasetError(f"expected classes among {', '.join(known)}; the data set has no {unknown[0][:80]!r}")
    if names and all(not names.get(name, name).strip() for name in known):
        raise DatasetError("every class would be ignored; choose a label for at least one")
