"""Files that were announced and have not come: what an open batch still waits for, and what it says when it closes."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, QuerySet

from webapp.models import AnnouncedFile, Archive, ArrivedFile, Batch, BatchImage, SkippedFile
from webapp.pipeline.receive import clean_name

_NEVER_CAME = "was announced, and had not arrived when the upload was finished"


def announce(batch: Batch, files: Sequence[tuple[str, int]]) -> None:
    """(name, size in bytes) of files that somebody is going to send."""
    rows = {clean_name(name): size_bytes for name, size_bytes in files}
    AnnouncedFile.objects.bulk_create(
        [AnnouncedFile(batch=batch, name=name, size_bytes=rows[name]) for name in sorted(rows)], ignore_conflicts=True
    )


def missing_files(batch: Batch) -> QuerySet[AnnouncedFile]:
    """Announced files of which no trace has come, in the order they were announced."""
    own = {"batch": OuterRef("batch"), "name": OuterRef("name")}
    traces = (BatchImage, SkippedFile, ArrivedFile, Archive)
    return batch.announced_files.filter(*(~Exists(model._default_manager.filter(**own)) for model in traces)).order_by(
        "pk"
    )


def list_missing(batch: Batch) -> int:
    """The batch closes: what never came is listed with the rejected files. Returns how many there were."""
    names = list(missing_files(batch).values_list("name", flat=True))
    SkippedFile.objects.bulk_create(
        SkippedFile(batch=batch, name=name, kind=SkippedFile.Kind.REJECTED, reason=_NEVER_CAME) for name in names
    )
    batch.announced_files.all().delete()
    return len(names)
