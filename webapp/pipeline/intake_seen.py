"""What of a listing is new, what has stopped growing, and what was taken before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from segmentation.pictures import too_large
from segmentation.video_files import ENDINGS
from webapp.models import Intake, SeenFile
from webapp.models.intakes import OPEN
from webapp.pipeline.intake_places import Entry
from webapp.pipeline.receive import picture_limits

MAX_ATTEMPTS = 3
MAX_ARCHIVE_BYTES = 50_000_000_000
_STOPPED = f"the worker stopped {MAX_ATTEMPTS} times while it took this file in"


@dataclass(frozen=True)
class Found:
    """A listed file that is to be taken in, and its row."""

    entry: Entry
    row: SeenFile


@transaction.atomic
def to_take(intake: Intake, entries: Sequence[Entry], now: datetime, *, settles: bool) -> list[Found]:
    """Write down what is seen for the first time; returns those files whose turn has come, in order."""
    known: dict[str, list[SeenFile]] = {}
    for seen in SeenFile.objects.filter(intake=intake, path__in={entry.path for entry in entries}):
        known.setdefault(seen.path, []).append(seen)
    fresh: list[Found] = []
    found: list[Found] = []
    for entry in entries:
        rows = known.get(entry.path, [])
        row = next((one for one in rows if one.version == entry.version), None)
        if row is None:
            open_row = next((one for one in rows if one.state in OPEN), None)
            if open_row is None:
                fresh.append(Found(entry, _new(intake, entry, now)))
            else:
                _changed(open_row, entry, now)
        elif _is_due(row, now):
            found.append(Found(entry, row))
    # Another row may have been made by a worker that was thought dead: then the next look finds it.
    SeenFile.objects.bulk_create([one.row for one in fresh], ignore_conflicts=True)
    if not settles:
        made = {
            (row.path, row.version): row
            for row in SeenFile.objects.filter(intake=intake, path__in=[one.entry.path for one in fresh])
        }
        found += [
            Found(one.entry, made[one.entry.path, one.entry.version])
            for one in fresh
            if (one.entry.path, one.entry.version) in made and one.row.state == SeenFile.State.WAITING
        ]
    return found


def _new(intake: Intake, entry: Entry, now: datetime) -> SeenFile:
    row = SeenFile(
        intake=intake,
        path=entry.path,
        version=entry.version,
        size_bytes=entry.size_bytes,
        modified_at=entry.modified_at,
        seen_at=now,
    )
    if reason := entry.refusal or _too_large(entry):
        row.state, row.reason, row.ended_at = SeenFile.State.REJECTED, reason, now
    return row


def _changed(row: SeenFile, entry: Entry, now: datetime) -> None:
    """It still grows, or was replaced before it was taken: the wait begins anew."""
    SeenFile.objects.filter(pk=row.pk).update(
        version=entry.version,
        size_bytes=entry.size_bytes,
        modified_at=entry.modified_at,
        seen_at=now,
        state=SeenFile.State.WAITING,
        attempts_count=0,
        reason="",
    )


def _is_due(row: SeenFile, now: datetime) -> bool:
    """Whether to take it now. A file at which workers died again and again is set aside."""
    if row.state == SeenFile.State.WAITING:
        return row.seen_at <= now - timedelta(seconds=settings.PIXELWISE_WATCH_SECONDS)
    if row.state != SeenFile.State.TAKING:
        return False
    if row.attempts_count >= MAX_ATTEMPTS:
        SeenFile.objects.filter(pk=row.pk).update(state=SeenFile.State.REJECTED, reason=_STOPPED, ended_at=now)
        return False
    return True


def _too_large(entry: Entry) -> str:
    if entry.path.lower().endswith((".zip", *ENDINGS)):
        if entry.size_bytes <= MAX_ARCHIVE_BYTES:
            return ""
        return f"has {entry.size_bytes / 1e9:,.0f} GB; an archive or video may have {MAX_ARCHIVE_BYTES / 1e9:.0f} GB"
    return too_large(entry.size_bytes, picture_limits()) or ""
