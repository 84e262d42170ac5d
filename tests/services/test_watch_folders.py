"""Into an allowed folder step by step: what whoever runs the installation wrote may be a link, nothing below it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from webapp.services.watch_folders import opened_folder


def names(folder: Path, slug: str = "parts") -> list[str]:
    with opened_folder(str(folder), slug) as descriptor:
        return sorted(entry.name for entry in os.scandir(descriptor))


@pytest.fixture
def cameras(tmp_path: Path) -> Path:
    for name in ("cameras/parts/left", "cameras/others", "secrets"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "secrets" / "key").touch()
    return tmp_path / "cameras"


def test_what_was_allowed_may_be_a_link_itself(cameras: Path, settings: Any) -> None:
    link = cameras.with_name("mounted")
    link.symlink_to(cameras)
    settings.PIXELWISE_WATCH_FOLDERS = [str(link)]
    assert names(link) == ["others", "parts"]
    assert names(link / "parts") == ["left"]


def test_a_link_below_is_refused(cameras: Path, settings: Any) -> None:
    settings.PIXELWISE_WATCH_FOLDERS = [str(cameras)]
    (cameras / "parts" / "out").symlink_to(cameras.with_name("secrets"))
    with pytest.raises(NotADirectoryError):
        names(cameras / "parts" / "out")


@pytest.mark.parametrize("pattern", ["{project}", "for-{project}"])
def test_a_projects_own_folder_is_no_link(cameras: Path, settings: Any, pattern: str) -> None:
    settings.PIXELWISE_WATCH_FOLDERS = [f"{cameras}/{pattern}"]
    own = cameras / pattern.replace("{project}", "mine")
    own.symlink_to(cameras.with_name("secrets"))
    with pytest.raises(NotADirectoryError):
        names(own, "mine")
    own.unlink()
    (own / "left").mkdir(parents=True)
    assert names(own, "mine") == ["left"]
    with pytest.raises(ValueError, match="Expected a folder at or below"):
        names(cameras / "others", "mine")


def test_descriptors_are_closed_whatever_happens(cameras: Path, settings: Any) -> None:
    settings.PIXELWISE_WATCH_FOLDERS = [str(cameras)]
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        names(cameras / "parts" / "left")
        with pytest.raises(FileNotFoundError):
            names(cameras / "parts" / "missing")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
