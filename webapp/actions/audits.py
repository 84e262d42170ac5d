"""Blind audits: draw passed images of a week, judge them by the photo alone, undo, and how many are drawn."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils import timezone

from webapp.actions.people import require_admin
from webapp.actions.refused import Refused
from webapp.actions.reviews import judge, lock_image, standing_review, withdraw
from webapp.models import AuditImage, AuditSample, Project, Review, User
from webapp.pipeline.audits import draw, monday

MOST_IMAGES = 2000


def draw_now(*, project: Project, user: User | None, day: date) -> AuditSample:
    """Draw from the week that `day` is in, the running one or an earlier one.

    Refused where it was drawn before, for weeks to come, and where the model passed nothing.
    """
    week = monday(day)
    if week > timezone.localdate():
        raise Refused(f"The week of {week:%-d %B %Y} has not begun.", field="week")
    if not project.audit_count:
        raise Refused("The project draws 0 images. An administrator can change that in its settings.")
    if AuditSample.objects.filter(project=project, week=week).exists():
        raise Refused(f"The week of {week:%-d %B %Y} was drawn before.", field="week")
    sample = draw(project=project, week=week)
    if sample is None:
        raise Refused(f"No image taken in the week of {week:%-d %B %Y} passed, so there is none to draw.", field="week")
    return sample


@transaction.atomic
def judge_blind(*, audit_image: AuditImage, user: User, verdict: str) -> None:
    """A person's word on a drawn image, by the photo alone. It counts as the image's verdict from now on, unless
    somebody who saw the mask has judged the image already. Refused for an image that was judged in this audit.
    """
    if verdict not in Review.Verdict.values:
        raise Refused(f"A verdict is pass or fail, got {verdict[:40]!r}.", field="verdict")
    image = audit_image.image
    lock_image(image)
    locked = AuditImage.objects.select_for_update(of=("self",)).get(pk=audit_image.pk)
    if locked.verdict is not None:
        raise Refused("This image was judged already. Go on with the next one.")
    locked.verdict, locked.user, locked.judged_at = verdict, user, timezone.now()
    locked.save(update_fields=["verdict", "user", "judged_at"])
    if standing_review(image) is None and image.predictions.filter(is_current=True).exists():
        judge(image=image, user=user, verdict=verdict, is_blind=True)


@transaction.atomic
def undo_last(*, sample: AuditSample, user: User) -> AuditImage:
    """Open the image again that `user` judged last in this audit. Refused where there is none."""
    mine = AuditImage.objects.filter(stratum__sample=sample, user=user, verdict__isnull=False)
    last = mine.select_related("image").order_by("-judged_at", "-pk").first()
    if last is None:
        raise Refused("You have judged nothing in this audit, so there is nothing to undo.")
    image = last.image
    lock_image(image)
    AuditImage.objects.filter(pk=last.pk).update(verdict=None, user=None, judged_at=None)
    standing = standing_review(image)
    if standing is not None and standing.is_blind and standing.user_id == user.pk:
        withdraw(image=image, user=user)
    return last


def change_audit_count(*, project: Project, user: User, audit_count: int) -> None:
    """How many passed images each week brings; 0 draws none. PermissionDenied unless `user` is an administrator."""
    require_admin(user, project.workspace)
    if not 0 <= audit_count <= MOST_IMAGES:
        raise Refused(f"Draw 0 to {MOST_IMAGES:,} images a week, got {audit_count:,}.", field="audit_count")
    Project.objects.filter(pk=project.pk).update(audit_count=audit_count)
    project.audit_count = audit_count
