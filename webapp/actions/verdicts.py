"""Verdicts: the rule that turns regions into pass or fail."""

from __future__ import annotations

from django.db import connection, transaction

from webapp.actions.events import record
from webapp.models import Prediction, Project, ProjectEvent, User
from webapp.pipeline import rollups

# Which limit each label is judged by. A project's own setting is for all labels alike.
_SET_LIMITS = """
    UPDATE measurement SET min_region_px = rule.min_region_px
    FROM (
        SELECT measurement.id,
               CASE WHEN project.min_region_px IS NULL THEN model_label.min_region_px END AS min_region_px
        FROM prediction
        JOIN model_version ON model_version.id = prediction.model_version_id
        JOIN project ON project.id = model_version.project_id
        JOIN measurement ON measurement.prediction_id = prediction.id
        LEFT JOIN model_label ON model_label.model_version_id = prediction.model_version_id
            AND model_label.label_id = measurement.label_id
        WHERE prediction.state = 'done' AND project.id = %s
    ) AS rule
    WHERE rule.id = measurement.id AND measurement.min_region_px IS DISTINCT FROM rule.min_region_px
"""

_JUDGE = """
    UPDATE prediction SET
        min_region_px = rule.min_region_px,
        verdict = CASE WHEN rule.is_defective THEN 'fail' ELSE 'pass' END,
        defect_area_fraction = rule.defect_area_fraction
    FROM (
        SELECT prediction.id,
               coalesce(project.min_region_px, model_version.min_region_px) AS min_region_px,
               coalesce(bool_or(measurement.largest_region_px
                   >= coalesce(measurement.min_region_px, project.min_region_px, model_version.min_region_px))
                   FILTER (WHERE label.is_defect), false) AS is_defective,
               least(1, coalesce(sum(measurement.area_fraction) FILTER (WHERE label.is_defect), 0))
                   AS defect_area_fraction
        FROM prediction
        JOIN model_version ON model_version.id = prediction.model_version_id
        JOIN project ON project.id = model_version.project_id
        JOIN measurement ON measurement.prediction_id = prediction.id
        JOIN label ON label.id = measurement.label_id
        WHERE prediction.state = 'done' AND project.id = %s
        GROUP BY prediction.id, project.min_region_px, model_version.min_region_px
    ) AS rule
    WHERE rule.id = prediction.id
"""


@transaction.atomic
def change_rule(*, project: Project, user: User | None, min_region_px: int | None) -> int:
    """Set the least region size that fails an image and judge every stored prediction anew.

    A number is for all labels; None goes back to each model version's own limits. Returns how many images
    changed their verdict. ValueError below 1.
    """
    if min_region_px is not None and min_region_px < 1:
        raise ValueError(f"a region has at least 1 pixel; the rule says {min_region_px}")
    before = Project.objects.select_for_update().get(pk=project.pk)
    if before.min_region_px != min_region_px:
        sentence = (
            f"Smallest region that fails an image: from {_limit(before.min_region_px)} to {_limit(min_region_px)}"
        )
        record(project=project, kind=ProjectEvent.Kind.RULE, sentence=sentence, user=user)
    Project.objects.filter(pk=project.pk).update(min_region_px=min_region_px)
    return judge_again(project=project)


def _limit(min_region_px: int | None) -> str:
    return "each model's own limits" if min_region_px is None else f"{min_region_px:,} px"


@transaction.atomic
def judge_again(*, project: Project) -> int:
    """Apply the project's rule and defect labels to every stored prediction, roll-ups included.

    Returns how many images changed their verdict.
    """
    done = Prediction.objects.filter(model_version__project=project, state=Prediction.State.DONE)
    before = dict(done.select_for_update(of=("self",)).values_list("pk", "verdict"))
    with connection.cursor() as cursor:
        cursor.execute(_SET_LIMITS, [project.pk])
        cursor.execute(_JUDGE, [project.pk])
    rollups.rebuild(project.pk)
    after = dict(done.values_list("pk", "verdict"))
    return sum(1 for pk, verdict in after.items() if before.get(pk) != verdict)
