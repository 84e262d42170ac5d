"""A look into an intake: list, take what is new through the same door as uploads, seal the batches of past hours.

Every file has a row before it is touched, and the row says what became of it. A worker that is killed leaves rows that
say "being taken in"; the next look takes them again into the same batch, where the content's hash finds what was
stored: nothing is lost, nothing is there twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TypeVar

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from webapp import storage
from webapp.models import Batch, Intake, SeenFile
from webapp.models.intakes import OPEN
from webapp.pipeline import intake_bucket, intake_folder
from webapp.pipeline.added_files import AddedFile
from webapp.pipeline.intake_batches import seal_batches
from webapp.pipeline.intake_places import ChangedError, Entry, Place, PlaceError
from webapp.pipeline.intake_seen import Found, to_take
from webapp.pipeline.linking import BatchSealedError
from webapp.pipeline.one_worker import only_one
from webapp.pipeline.outages import is_of_the_machine
from webapp.pipeline.receive import StreamedFile, copy_hashed, store_files

SLICE_SECONDS = 60.0
"""A worker gives way to other work after this long, and goes on later."""
LISTED_AT_ONCE = 500
TAKEN_AT_ONCE = 32
TAKEN_AT_ONCE_BYTES = 200_000_000
PAUSES = {Intake.Kind.FOLDER: timedelta(seconds=15), Intake.Kind.BUCKET: timedelta(minutes=5)}
PAUSE_AFTER_ERROR = timedelta(minutes=1)
_HELD = timedelta(minutes=3)
"""So long nobody else is called to an intake that a worker is at; a killed worker's is found afterwards."""

_WAITED_FOR = timedelta(hours=1)

Item = TypeVar("Item")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Looked:
    """`runs` have new work; `is_unfinished`: the worker gave way and there is more to do."""

    runs: list[int] = field(default_factory=list)
    is_unfinished: bool = False


def waiting_intakes() -> list[int]:
    """Those whose next look is due."""
    return list(Intake.objects.due().order_by("next_look_at").values_list("pk", flat=True))


def look(intake_id: int) -> Looked:
    """Look into an intake for about a minute at most. What keeps it from being looked at stands in its row."""
    with only_one("intake", intake_id) as is_mine:
        found = Intake.objects.due().select_related("project", "created_by").filter(pk=intake_id)
        intake = found.first() if is_mine else None
        if intake is None:
            return Looked()
        Intake.objects.filter(pk=intake.pk).update(next_look_at=timezone.now() + _HELD)
        return _Look(intake).go()


class _Look:
    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.started = time.monotonic()
        self.hour = _hour(timezone.now())
        self.runs: set[int] = set()

    def go(self) -> Looked:
        try:
            with _opened(self.intake) as place:
                is_unfinished = self._take_new(place)
        except PlaceError as error:
            self._fail(str(error))
        except OSError as error:
            if not is_of_the_machine(error):
                raise
            log.warning("an intake could not store what it took", intake=self.intake.pk, error=str(error))
            self._fail(f"What is taken in cannot be stored at the moment: {error.strerror or error}.")
        else:
            self._note_end(is_unfinished=is_unfinished)
            return Looked(sorted(self.runs), is_unfinished)
        return Looked(sorted(self.runs))

    def _take_new(self, place: Place) -> bool:
        """True where time was up before the end of the list."""
        for entries in _chunks(place.entries(self.intake.cursor), LISTED_AT_ONCE):
            found = to_take(self.intake, entries, timezone.now(), settles=place.settles)
            for group in _groups(found):
                self._take(place, group)
                if time.monotonic() - self.started > SLICE_SECONDS:
                    return True
            self.intake.cursor = entries[-1].path
            Intake.objects.filter(pk=self.intake.pk).update(cursor=self.intake.cursor)
        self._forget_vanished(place)
        return False

    def _forget_vanished(self, place: Place) -> None:
        """Files that were removed before their turn came are waited for no longer."""
        since = timezone.now() - _WAITED_FOR
        for row in self.intake.seen_files.filter(state__in=OPEN, seen_at__lt=since)[:LISTED_AT_ONCE]:
            try:
                with place.opened(Entry(row.path, row.path, row.version, row.size_bytes, row.modified_at)):
                    continue
            except FileNotFoundError:
                row.delete()
            except (ChangedError, OSError):
                continue

    def _take(self, place: Place, group: Sequence[Found]) -> None:
        """Files of one top folder: into one batch, with one flush to disk for all of them."""
        folder = _top_folder(group[0])
        try:
            self._take_into_batch(place, group, folder)
        except BatchSealedError:
            # A person closed it meanwhile. The copies may be in the store by now: the next batch takes its own.
            self._forget(folder)
            self._take_into_batch(place, group, folder)

    def _take_into_batch(self, place: Place, group: Sequence[Found], folder: str) -> None:
        with ExitStack() as stack:
            batch = self._claim(group, folder)
            files = {one: file for one in group if (file := _copied(stack, place, one)) is not None}
            self._note(files, store_files(batch, list(files.values())))

    @transaction.atomic
    def _claim(self, group: Sequence[Found], folder: str) -> Batch:
        """What is about to be taken, and into which batch, is on record before it is."""
        batch = self._batch(folder)
        SeenFile.objects.filter(pk__in=[one.row.pk for one in group]).update(
            state=SeenFile.State.TAKING, batch=batch, attempts_count=F("attempts_count") + 1
        )
        return batch

    def _batch(self, folder: str) -> Batch:
        hour, batch_id = self.intake.open_batches.get(folder, ("", 0))
        if hour == self.hour.isoformat():
            held = Batch.objects.filter(pk=batch_id, sealed_at__isnull=True).first()
            if held is not None:
                return held
        elif batch_id:
            self.runs.update(seal_batches([batch_id]))
        project = self.intake.project
        batch = Batch.objects.create(
            project=project,
            source_id=self.intake.source_id,
            name=_batch_name(self.intake, folder, self.hour),
            blur=Batch.Blur.MODEL if project.blur_people else Batch.Blur.NONE,
            created_by=self.intake.created_by,
        )
        self.intake.open_batches[folder] = [self.hour.isoformat(), batch.pk]
        Intake.objects.filter(pk=self.intake.pk).update(open_batches=self.intake.open_batches)
        return batch

    def _forget(self, folder: str) -> None:
        self.intake.open_batches.pop(folder, None)

    def _note(self, files: dict[Found, StreamedFile], added: Sequence[AddedFile]) -> None:
        now = timezone.now()
        rows = []
        for (one, file), result in zip(files.items(), added, strict=True):
            one.row.state, one.row.reason = SeenFile.State(result.outcome), result.reason[:500]
            one.row.sha256, one.row.ended_at = file.sha256, now
            rows.append(one.row)
            if result.wake_run_id is not None:
                self.runs.add(result.wake_run_id)
        SeenFile.objects.bulk_update(rows, ["state", "reason", "sha256", "ended_at"])

    def _note_end(self, *, is_unfinished: bool) -> None:
        now = timezone.now()
        changes: dict[str, object] = {"error": "", "looked_at": now, "next_look_at": now}
        if not is_unfinished:
            is_over = not self.intake.repeats
            self._seal_past(everything=is_over)
            taken = timedelta(seconds=time.monotonic() - self.started)
            changes |= {
                "cursor": "",
                "next_look_at": now + max(PAUSES[Intake.Kind(self.intake.kind)], 10 * taken),
                "finished_at": now if is_over else None,
                "open_batches": self.intake.open_batches,
            }
        Intake.objects.filter(pk=self.intake.pk).update(**changes)

    def _fail(self, reason: str) -> None:
        self._seal_past(everything=False)
        now = timezone.now()
        # No file is to blame: only tries that a worker did not outlive count.
        self.intake.seen_files.filter(state=SeenFile.State.TAKING).update(attempts_count=0)
        Intake.objects.filter(pk=self.intake.pk).update(
            error=reason[:500],
            looked_at=now,
            next_look_at=now + PAUSE_AFTER_ERROR,
            open_batches=self.intake.open_batches,
        )

    def _seal_past(self, *, everything: bool) -> None:
        """Batches of hours that are over. What is still being copied there goes into the next one."""
        over = {
            folder: batch_id
            for folder, (hour, batch_id) in self.intake.open_batches.items()
            if everything or hour != self.hour.isoformat()
        }
        self.runs.update(seal_batches(list(over.values())))
        for folder in over:
            self._forget(folder)


@contextmanager
def _opened(intake: Intake) -> Iterator[Place]:
    module = intake_folder if intake.kind == Intake.Kind.FOLDER else intake_bucket
    with module.opened_place(intake) as place:
        yield place


def _copied(stack: ExitStack, place: Place, one: Found) -> StreamedFile | None:
    """A copy on our disk, gone when the stack closes unless it was moved; None where the file cannot be had now."""
    row = SeenFile.objects.filter(pk=one.row.pk)
    target = stack.enter_context(storage.temporary_file())
    try:
        with place.opened(one.entry) as source:
            sha256, size_bytes = copy_hashed(source, target)
    except ChangedError:
        row.update(state=SeenFile.State.WAITING, seen_at=timezone.now(), attempts_count=0)
    except FileNotFoundError:
        row.delete()
    except PermissionError:
        row.update(state=SeenFile.State.WAITING, reason="may not be read; tried again at every look", attempts_count=0)
    except OSError as error:
        if is_of_the_machine(error):
            raise
        row.update(
            state=SeenFile.State.WAITING, reason=f"cannot be read: {error.strerror or error}"[:500], attempts_count=0
        )
    else:
        return StreamedFile(one.entry.path, Path(target.name), sha256, size_bytes)
    return None


def _chunks(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while chunk := list(islice(items, size)):
        yield chunk


def _groups(found: Sequence[Found]) -> Iterator[list[Found]]:
    """Neighbours of one top folder, not too many and not too large; alone what was tried before: it may be to blame."""
    group: list[Found] = []
    size_bytes = 0
    for one in found:
        is_full = len(group) >= TAKEN_AT_ONCE or size_bytes + one.entry.size_bytes > TAKEN_AT_ONCE_BYTES
        was_tried = any(other.row.attempts_count for other in (*group[-1:], one))
        if group and (is_full or was_tried or _top_folder(group[0]) != _top_folder(one)):
            yield group
            group, size_bytes = [], 0
        group.append(one)
        size_bytes += one.entry.size_bytes
    if group:
        yield group


def _top_folder(one: Found) -> str:
    return one.entry.path.partition("/")[0] if "/" in one.entry.path else ""


def _batch_name(intake: Intake, folder: str, hour: datetime) -> str:
    place = PurePosixPath(intake.folder).name if intake.kind == Intake.Kind.FOLDER else intake.bucket
    printable = "".join(letter for letter in (folder or place) if letter.isprintable())[:150]
    return f"{printable} · {timezone.localtime(hour):%-d %B %Y, %H:%M}"


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)
