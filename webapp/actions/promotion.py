"""Putting a model version live: after a shadow run that shows what would change, by an administrator; and back."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from webapp.actions.model_versions import go_live
from webapp.actions.people import require_admin
from webapp.actions.refused import Refused
from webapp.models import ModelVersion, Prediction, Project, Promotion, Run, User
from webapp.models.shadow import ShadowResult, newest_judged, newest_shadow_run, shadow_result
from webapp.pipeline.queueing import finish_complete_runs, queue_shadow
from webapp.tasks import queue_on_commit, segment_run

SHADOW_IMAGES = 50
MOST_SHADOW_IMAGES = 2000
NOTE_LENGTH = 500


@transaction.atomic
def start_shadow_run(*, model_version: ModelVersion, user: User | None, image_count: int = SHADOW_IMAGES) -> Run:
    """Segment the newest images of the project with a version that is not live; no number changes by it.

    Refused where there is nothing to compare with, and for the version that is live.
    """
    if not 1 <= image_count <= MOST_SHADOW_IMAGES:
        raise Refused(f"Choose 1 to {MOST_SHADOW_IMAGES:,} images, got {image_count:,}.", field="image_count")
    project = Project.objects.get(pk=model_version.project_id)
    if project.live_model_id == model_version.pk:
        raise Refused(f"Version {model_version.number} is live already: there is nothing to compare it with.")
    image_ids = newest_judged(project, count=image_count)
    if not image_ids:
        raise Refused("No image of this project has a verdict yet, so there is nothing to compare with.")
    run = queue_shadow(model_version, image_ids, user=user)
    queue_on_commit(segment_run, run.pk)
    transaction.on_commit(lambda: finish_complete_runs([run.pk]))
    return run


@transaction.atomic
def promote(*, model_version: ModelVersion, user: User, note: str = "") -> Promotion:
    """Put a version live once its shadow run has compared; the first of a project may go live at once.

    PermissionDenied unless `user` is an administrator of the workspace. What the shadow run showed is kept.
    """
    project = model_version.project
    require_admin(user, project.workspace)
    _refuse_live(model_version)
    shadow = _shadow_of(model_version).as_json() if needs_shadow_run(model_version) else None
    return _went_live(model_version, user, note, Promotion.Kind.LIVE, shadow)


@transaction.atomic
def promote_directly(*, model_version: ModelVersion, user: User) -> None:
    """Put a version live without a shadow run, as programs do; nothing where it is live already."""
    require_admin(user, model_version.project.workspace)
    kind = Promotion.Kind.ROLL_BACK if was_live(model_version) else Promotion.Kind.LIVE
    go_live(model_version=model_version, user=user, kind=kind)


@transaction.atomic
def roll_back(*, model_version: ModelVersion, user: User, note: str = "") -> Promotion:
    """Back to a version that was live before, at once. Refused for one that never was."""
    require_admin(user, model_version.project.workspace)
    _refuse_live(model_version)
    if not was_live(model_version):
        raise Refused(f"Version {model_version.number} was never live, so there is no way back to it. Promote it.")
    return _went_live(model_version, user, note, Promotion.Kind.ROLL_BACK, None)


def needs_shadow_run(model_version: ModelVersion) -> bool:
    """False for the first version of a project, and while no image has a verdict that it could change."""
    if not Project.objects.filter(pk=model_version.project_id, live_model__isnull=False).exists():
        return False
    return Prediction.objects.filter(is_current=True, image__project=model_version.project_id).exists()


def was_live(model_version: ModelVersion) -> bool:
    """Also as the one before another: versions that went live before promotions were written down."""
    known = Q(model_version=model_version) | Q(previous=model_version)
    return Promotion.objects.filter(known, project=model_version.project_id).exists()


def _went_live(
    model_version: ModelVersion, user: User, note: str, kind: str, shadow: dict[str, int] | None
) -> Promotion:
    note = note.strip()
    if len(note) > NOTE_LENGTH:
        raise Refused(f"A note has at most {NOTE_LENGTH} characters, this one has {len(note):,}.", field="note")
    go_live(model_version=model_version, user=user, kind=kind, note=note, shadow=shadow)
    return Promotion.objects.filter(model_version=model_version).latest("pk")


def _refuse_live(model_version: ModelVersion) -> None:
    """Locks the project's row: of two people who press at once the second is told."""
    project = Project.objects.select_for_update().get(pk=model_version.project_id)
    if project.live_model_id == model_version.pk:
        raise Refused(f"Version {model_version.number} is live already.")


def _shadow_of(model_version: ModelVersion) -> ShadowResult:
    run = newest_shadow_run(model_version)
    if run is None:
        raise Refused("See first what would change: start the comparison on the newest images.")
    result = shadow_result(run)
    if result.is_stopped:
        raise Refused("The last comparison was stopped, so it does not show what would change. Start it again.")
    if not result.is_over:
        raise Refused("The comparison is still going on. Wait until all its images are done.")
    if result.is_in_vain:
        raise Refused(
            "The last comparison compared no image: all failed or were deleted meanwhile. "
            "Start it again on the newest images."
        )
    return result
