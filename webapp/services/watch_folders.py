"""Folders of the server that may be watched, entered step by step so that no link and no `..` leads out of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from django.conf import settings

PROJECT = "{project}"
"""In an allowed folder: the project's name in addresses, so that each project sees its own folder only."""
_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def allowed_folders(project_slug: str) -> list[Path]:
    """Below which folders this project may watch one, by PIXELWISE_WATCH_FOLDERS."""
    return [Path(text.replace(PROJECT, project_slug)) for text in settings.PIXELWISE_WATCH_FOLDERS]


def clean_folder(text: str, project_slug: str) -> str:
    """An absolute folder that is an allowed one or lies below one. ValueError in words for a person."""
    path = PurePosixPath(text.strip())
    allowed = allowed_folders(project_slug)
    if not allowed:
        raise ValueError("This installation allows no folder: whoever runs it names some in PIXELWISE_WATCH_FOLDERS.")
    if not path.is_absolute() or ".." in path.parts or not text.isprintable():
        raise ValueError(
            f"Expected a full path like {allowed[0]}, without “..”, got {text.strip()[:100] or 'nothing'}."
        )
    if not any(path.is_relative_to(folder) for folder in allowed):
        raise ValueError(f"Expected a folder at or below {' or '.join(map(str, allowed))}, got {str(path)[:100]}.")
    return str(path)


@contextmanager
def opened_folder(folder: str, project_slug: str) -> Iterator[int]:
    """The descriptor of an allowed folder, which stays the same folder whatever is renamed meanwhile.

    ValueError where it is not allowed any more, OSError where it or a step to it is missing, or is a link.
    """
    path = Path(clean_folder(folder, project_slug))
    allowed = zip(settings.PIXELWISE_WATCH_FOLDERS, allowed_folders(project_slug), strict=True)
    named = next(text for text, root in allowed if path.is_relative_to(root))
    # What whoever runs the installation wrote out may be a link; what projects and other people make below may not.
    anchor = Path(named.partition(PROJECT)[0].rpartition("/")[0] or "/") if PROJECT in named else Path(named)
    descriptor = os.open(anchor, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with opened_below(descriptor, path.relative_to(anchor).parts) as folder_below:
            yield folder_below
    finally:
        os.close(descriptor)


@contextmanager
def opened_below(descriptor: int, steps: tuple[str, ...]) -> Iterator[int]:
    """The descriptor of a folder below an open one. OSError where a step is missing, or is a link."""
    here = os.dup(descriptor)
    try:
        for step in steps:
            inner = os.open(step, _STEP, dir_fd=here)
            os.close(here)
            here = inner
        yield here
    finally:
        os.close(here)
