"""Intakes: folders of the server and buckets that a project takes pictures from by itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils import timezone

from webapp.actions.people import require_admin
from webapp.actions.refused import Refused
from webapp.models import Intake, Project, Source, User
from webapp.pipeline.intake_batches import close_batches
from webapp.services.bucket_endpoints import clean_bucket, clean_region, require_allowed
from webapp.services.sealed_secrets import seal
from webapp.services.watch_folders import clean_folder
from webapp.tasks import look_into, queue_on_commit, segment_run

_LONGEST_PREFIX = 900


@dataclass(frozen=True)
class BucketInput:
    """A bucket as a person gives it. `endpoint` is empty for Amazon S3; without `key_id` it is asked as anybody may."""

    bucket: str
    endpoint: str = ""
    region: str = ""
    prefix: str = ""
    key_id: str = ""
    secret: str = field(default="", repr=False)
    repeats: bool = True


def add_folder(*, project: Project, user: User, folder: str, source: Source | None = None) -> Intake:
    """Watch a folder of the server. Refused where it is not an allowed one, or watched by this project already."""
    require_admin(user, project.workspace)
    try:
        cleaned = clean_folder(folder, project.slug)
    except ValueError as error:
        raise Refused(str(error), field="folder") from error
    if len(cleaned) > 1000:
        raise Refused("Expected a path of at most 1,000 characters.", field="folder")
    intake = Intake(kind=Intake.Kind.FOLDER, folder=cleaned)
    return _added(project, user, source, intake, field="folder")


def add_bucket(*, project: Project, user: User, place: BucketInput, source: Source | None = None) -> Intake:
    """Take pictures out of a bucket. Its secret is kept encrypted and shown to nobody.

    Refused for servers that the installation does not allow, for names that are none, for half a key.
    """
    require_admin(user, project.workspace)
    prefix = place.prefix.strip().lstrip("/")
    if len(prefix) > _LONGEST_PREFIX or not prefix.isprintable():
        raise Refused(f"Expected a prefix of at most {_LONGEST_PREFIX} characters, like line-3/.", field="prefix")
    intake = Intake(
        kind=Intake.Kind.BUCKET,
        endpoint=_cleaned("endpoint", place.endpoint),
        region=_cleaned("region", place.region),
        bucket=_cleaned("bucket", place.bucket),
        prefix=prefix,
        repeats=place.repeats,
        **_key(place.key_id, place.secret),
    )
    return _added(project, user, source, intake, field="bucket")


def replace_key(*, intake: Intake, user: User, key_id: str, secret: str) -> None:
    """Another key for its bucket. Refused for half a one."""
    require_admin(user, intake.project.workspace)
    Intake.objects.filter(pk=intake.pk).update(**_key(key_id, secret))
    look_now(intake=intake, user=user)


@transaction.atomic
def switch_intake(*, intake: Intake, user: User, is_on: bool) -> None:
    """Off: nothing is looked at, and the batches it left open are closed. On: it goes on where it was."""
    require_admin(user, intake.project.workspace)
    if is_on:
        Intake.objects.filter(pk=intake.pk).update(is_on=True, next_look_at=timezone.now(), error="")
        queue_on_commit(look_into, intake.pk)
        return
    _close(intake)
    Intake.objects.filter(pk=intake.pk).update(is_on=False, open_batches={}, error="")


@transaction.atomic
def look_now(*, intake: Intake, user: User) -> None:
    """Look without waiting for the clock; also once more where everything was taken."""
    require_admin(user, intake.project.workspace)
    Intake.objects.filter(pk=intake.pk).update(next_look_at=timezone.now(), finished_at=None, error="")
    queue_on_commit(look_into, intake.pk)


@transaction.atomic
def remove_intake(*, intake: Intake, user: User) -> None:
    """Look no more and forget which files were seen. What was taken in stays."""
    require_admin(user, intake.project.workspace)
    _close(intake)
    intake.delete()


def _close(intake: Intake) -> None:
    locked = Intake.objects.select_for_update().get(pk=intake.pk)
    for run_id in close_batches(locked):
        queue_on_commit(segment_run, run_id)


def _added(project: Project, user: User, source: Source | None, intake: Intake, *, field: str) -> Intake:
    if source is not None and source.project_id != project.pk:
        raise Refused(f"The source {source} belongs to another project.", field="source")
    intake.project, intake.source, intake.created_by = project, source, user
    try:
        with transaction.atomic():
            intake.save()
            queue_on_commit(look_into, intake.pk)
    except IntegrityError as error:
        raise Refused(f"This project takes images from {intake} already.", field=field) from error
    return intake


def _cleaned(field: str, given: str) -> str:
    try:
        if field == "bucket":
            return clean_bucket(given)
        if field == "region":
            return clean_region(given)
        require_allowed(given)
    except ValueError as error:
        raise Refused(str(error), field=field) from error
    return given


def _key(key_id: str, secret: str) -> dict[str, str]:
    key_id, secret = key_id.strip(), secret.strip()
    if bool(key_id) != bool(secret):
        raise Refused(
            "A key has an id and a secret: give both, or neither for a bucket that everybody may read.",
            field="secret" if key_id else "key_id",
        )
    if len(key_id) > 200 or len(secret) > 500:
        raise Refused("Expected an id of at most 200 and a secret of at most 500 characters.", field="key_id")
    return {"key_id": key_id, "sealed_secret": seal(secret) if secret else ""}
