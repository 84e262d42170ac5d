"""Files named by their content, which several rows may share: nobody removes one that another is about to lean on.

Whoever stores content holds it, together with others, from before looking whether it is there until its row is
committed. Whoever removes files holds their content alone, and asks only then which of it has rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, transaction

from webapp import storage
from webapp.models import Annotation, DatasetImport, Image

_AT_ONCE = 300
"""Three files each: what a bucket removes in one request."""

_READING = "hashtext('data set'), 0"


def hold_content(sha256s: Collection[str]) -> None:
    """Until the transaction ends nobody removes the files of this content."""
    _lock("pg_advisory_xact_lock_shared", sha256s)


@contextmanager
def reading_data_set() -> Iterator[None]:
    """Meanwhile no content is removed: what a data set is made of has no rows before all of it is read."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_lock_shared({_READING})")
        try:
            yield
        finally:
            cursor.execute(f"SELECT pg_advisory_unlock_shared({_READING})")


def remove_unheld_pictures(sha256s: Collection[str]) -> int:
    """Remove the files of pictures that no image has as its content; returns of how many.

    None are removed while a data set is read. What stays has no row either, and a later sweep finds it.
    """
    kinds = (storage.original_path, storage.thumbnail_path, storage.view_path)
    return _remove_unheld(
        sha256s, kinds, lambda some: Image.objects.filter(sha256__in=some).values_list("sha256", flat=True)
    )


def remove_unheld_masks(sha256s: Collection[str]) -> int:
    """The same for people's masks that no annotation has; of these none is found later."""
    return _remove_unheld(
        sha256s,
        (storage.annotation_path,),
        lambda some: Annotation.objects.filter(mask_sha256__in=some).values_list("mask_sha256", flat=True),
    )


def _remove_unheld(
    sha256s: Collection[str],
    kinds: Sequence[Callable[[str], Path]],
    held_of: Callable[[Sequence[str]], Collection[str]],
) -> int:
    # In order: what begins alike shares a lock, so that few are taken at a time.
    every, count = sorted(set(sha256s)), 0
    for start in range(0, len(every), _AT_ONCE):
        some = every[start : start + _AT_ONCE]
        with transaction.atomic():
            _lock("pg_advisory_xact_lock", some)
            if _is_data_set_read():
                break
            gone = set(some) - set(held_of(some))
            storage.remove([path(sha256) for sha256 in gone for path in kinds])
        count += len(gone)
    return count


def _lock(function: str, sha256s: Collection[str]) -> None:
    """One lock for all content that begins alike, in an order that all keep: nobody waits in a circle."""
    places = sorted({int.from_bytes(sha256[:2].encode()) for sha256 in sha256s})
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtext('content'), place) FROM unnest(%s::int[]) AS place", [places])  # noqa: S608


def _is_data_set_read() -> bool:
    """By a worker, which goes on with it again and again, or by a command."""
    if DatasetImport.objects.filter(state=DatasetImport.State.RUNNING).exists():
        return True
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT NOT pg_try_advisory_xact_lock({_READING})")
        (is_read,) = cursor.fetchone()
    return bool(is_read)
