"""Ledger rows with planted patterns, written straight into PostgreSQL: for measuring dashboards and trying them out.

Everything is computed inside the database from hashes of the image's place and the seed, so that the same arguments
give the same numbers. The images have no files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from webapp.models import Image, ModelVersion, Project, Source
from webapp.pipeline.ledger_rows import CHUNK_ROWS, SCHEDULE, TEMPORARY

WIDTH_PX, HEIGHT_PX = 1600, 1200
LIMIT_PX = 50
BATCH_IMAGES = 500
_CHUNK_IMAGES = 100 * BATCH_IMAGES
_SEEDS_APART = 4096
# Within one source or label; shares of the period for times.
_STEP_SOURCE, _STEP_LABEL, _STEP_AT = 2, 1, 0.7
_DRIFT_SOURCE, _DRIFT_DEPTH = 3, 900
_SECOND_MODEL_AT = 0.6


@dataclass(frozen=True)
class Filling:
    """What to plant: `image_count` images over the `day_count` days that end with yesterday."""

    project: Project
    models: tuple[ModelVersion, ModelVersion]
    image_count: int
    day_count: int
    seed: int

    @property
    def end(self) -> datetime:
        """The last midnight of the installation's time zone."""
        return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def start(self) -> datetime:
        return timezone.make_aware(self.end.replace(tzinfo=None) - timedelta(days=self.day_count))

    def at(self, share: float) -> datetime:
        """The midnight after that share (0–1) of the days."""
        return timezone.make_aware(self.start.replace(tzinfo=None) + timedelta(days=round(share * self.day_count)))


def planted(filling: Filling) -> list[str]:
    """The planted patterns in sentences."""
    sources = list(filling.project.sources.order_by("pk"))
    labels = list(filling.project.labels.order_by("index"))
    step, drift = sources[_STEP_SOURCE % len(sources)], sources[_DRIFT_SOURCE % len(sources)]
    return [
        "By day and week: a quarter as many images from 22:00 to 06:00 and two fifths at weekends; "
        "half as many defects again at night, a fifth more on Mondays.",
        f"Step: from {filling.at(_STEP_AT):%d %B %Y} on, {labels[_STEP_LABEL]} is five times as frequent at {step}.",
        f"Drift: images of {drift} grow darker, by {_DRIFT_DEPTH / 100:.0f} points of brightness over the whole time.",
        f"Growth: on {sources[-1]}, {labels[-1]} is in every image and grows from about 300 px to 9,000 px.",
        f"Place: regions of {labels[1]} gather at the left edge of the picture.",
        f"Model: version {filling.models[1].number} is live from {filling.at(_SECOND_MODEL_AT):%d %B %Y} on and finds "
        "a tenth more.",
        "People: seven in ten failed images were judged, one in twelve of them overruled; so was one passed image in "
        "five hundred.",
    ]


def fill(filling: Filling) -> Iterator[int]:
    """Write the rows, a chunk of images per transaction; yields how many images there are after each.

    Roll-ups are not touched: `rollups.rebuild` counts them afterwards. ValueError where the project has images.
    """
    if Image.objects.filter(project=filling.project).exists():
        raise ValueError(f"expected a project without images, {filling.project.name!r} has some")
    first = _reserve_ids(filling)
    _write_promotions(filling)
    values = _values(filling) | first
    with connection.cursor() as cursor:
        for statement in (*TEMPORARY, *SCHEDULE):
            cursor.execute(statement, values)
    for start in range(0, filling.image_count, _CHUNK_IMAGES):
        stop = min(filling.image_count, start + _CHUNK_IMAGES)
        with transaction.atomic(), connection.cursor() as cursor:
            _trust_the_keys(cursor)
            for statement in CHUNK_ROWS:
                cursor.execute(statement, values | {"start": start, "stop": stop})
        yield stop
    with connection.cursor() as cursor:
        for table in ("image", "batch_image", "prediction", "measurement", "region", "review", "run", "batch"):
            cursor.execute(f"VACUUM ANALYZE {table}")


def _values(filling: Filling) -> dict[str, Any]:
    sources = list(filling.project.sources.order_by("pk"))
    return {
        "project": filling.project.pk,
        "images": filling.image_count,
        "days": filling.day_count,
        "from": filling.start,
        "until": filling.end,
        "zone": settings.TIME_ZONE,
        "salt": filling.seed * _SEEDS_APART,
        "width": WIDTH_PX,
        "height": HEIGHT_PX,
        "limit": LIMIT_PX,
        "batch_images": BATCH_IMAGES,
        "first_model": filling.models[0].pk,
        "second_model": filling.models[1].pk,
        "second_model_from": filling.at(_SECOND_MODEL_AT),
        "step_source": sources[_STEP_SOURCE % len(sources)].pk,
        "step_label": _STEP_LABEL,
        "step_from": filling.at(_STEP_AT),
        "drift_source": sources[_DRIFT_SOURCE % len(sources)].pk,
        "drift_depth": _DRIFT_DEPTH,
        "asset": sources[-1].pk,
        "user": filling.project.created_by_id,
    }


def _reserve_ids(filling: Filling) -> dict[str, int]:
    """The ids before the first of each table's; the locks keep others from drawing numbers in between."""
    batches = -(-filling.image_count // BATCH_IMAGES)
    counts = {"image": filling.image_count, "prediction": filling.image_count, "batch": batches, "run": batches}
    before = {}
    with transaction.atomic(), connection.cursor() as cursor:
        for table, count in counts.items():
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
            cursor.execute(
                "SELECT setval(sequence, nextval(sequence) + %s) FROM pg_get_serial_sequence(%s, 'id') AS sequence",
                [count, table],
            )
            before[f"before_{table}"] = cursor.fetchone()[0] - count
    return before


def _write_promotions(filling: Filling) -> None:
    for model_version, at in zip(filling.models, (filling.start, filling.at(_SECOND_MODEL_AT)), strict=True):
        ModelVersion.objects.filter(pk=model_version.pk).update(min_region_px=LIMIT_PX, created_at=at)
        model_version.promotions.update(at=at)


def _trust_the_keys(cursor: Any) -> None:
    """Leave out the look-up of every foreign key, where the role may: all of them were made here."""
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if cursor.fetchone()[0]:
        cursor.execute("SET LOCAL session_replication_role = replica")


def sources_of(project: Project, count: int) -> list[Source]:
    """Lines at sites of ten each, every other one with a known pixel size; the last is an asset."""
    lines = [
        Source(
            project=project,
            site=f"Site {number // 10 + 1}",
            name=f"Line {number + 1}",
            mm_per_pixel=0.05 if number % 2 else None,
        )
        for number in range(count - 1)
    ]
    asset = Source(project=project, site="Outdoors", name="Bridge 1", kind=Source.Kind.ASSET, mm_per_pixel=0.4)
    return Source.objects.bulk_create([*lines, asset])
