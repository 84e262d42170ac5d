"""Backups of the first release's example project: restored, upgraded, written again, damaged."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.services.installation import Installation

pytestmark = pytest.mark.slow

RELEASES = Path(__file__).parents[1] / "upgrade"
PHOTO = "files/originals/ab/" + "ab" * 32
DASHBOARD = """
import hashlib, json
from importlib import import_module
from django.db import connection
from analytics import Scope, build_dashboard, build_page, dashboard_json
from webapp.models import Project
from webapp.pipeline.rollups import differences
project = Project.objects.get()
scope = Scope(project_id=project.pk, time_zone="UTC")
with connection.cursor() as cursor:
    overview = build_dashboard(cursor, scope)
    numbers = dashboard_json(overview)
    pages = {"overview": repr(build_page(overview))}
    for name in ("area", "place", "zones", "sources", "drift", "growth", "people"):
        page = getattr(import_module(f"analytics.tabs.{name}"), f"{name}_page")
        pages[name] = repr(page(cursor, scope, None) if name == "growth" else page(cursor, scope))
shown = {name: [len(page), hashlib.sha256(page.encode()).hexdigest()] for name, page in pages.items()}
print("NUMBERS " + json.dumps({"dashboard": numbers, "wrong": len(differences(project.pk)), "pages": shown}))
"""


def backup_of_first_release(path: Path) -> Path:
    """What `manage.py backup` of that release would have written, with one photo."""
    parts = {"database.dump": (RELEASES / "release_0_1.dump").read_bytes(), PHOTO: b"a photo"}
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in parts.items())
    manifest = json.dumps({"format": 1, "pixelwise": "0.1.0", "made_at": "2026-11-22T18:00:00+00:00"})
    with tarfile.open(path, "w") as tar:
        for name, content in {"manifest.json": manifest.encode(), **parts, "checksums.txt": sums.encode()}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o640
            tar.addfile(member, io.BytesIO(content))
    return path


def numbers(installation: Installation) -> dict[str, Any]:
    done = installation.manage("shell", "-c", DASHBOARD)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("NUMBERS "))
    return json.loads(line.removeprefix("NUMBERS "))


def same(old: Any, new: Any) -> bool:
    """Whether everything that the old numbers say is said by the new ones, which may say more."""
    if isinstance(old, dict):
        return all(name in new and same(value, new[name]) for name, value in old.items())
    if isinstance(old, list):
        return len(old) == len(new) and all(map(same, old, new))
    return old == pytest.approx(new)


def test_the_first_release_upgrades_and_a_backup_of_it_answers_with_the_same_numbers(tmp_path: Path) -> None:
    before = json.loads((RELEASES / "release_0_1_dashboard.json").read_text())
    first = Installation(tmp_path / "first")
    done = first.manage("restore", str(backup_of_first_release(tmp_path / "old.tar")))
    assert done.returncode == 0, done.stderr
    assert "0.1.0; 1 files, all checksums right" in done.stdout
    upgraded = numbers(first)
    assert before["inspected"] == 60
    assert same(before, upgraded["dashboard"])
    assert upgraded["wrong"] == 0
    # Figures and tables of every page of the dashboard, in full.
    assert all(
        length > 1000 for name, (length, _) in upgraded["pages"].items() if name in ("overview", "area", "drift")
    )

    done = first.manage("backup", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (written,) = tmp_path.glob("pixelwise-*.tar")
    second = Installation(tmp_path / "second")
    assert second.manage("restore", str(written)).returncode == 0
    assert numbers(second) == upgraded
    assert (second.data / PHOTO.removeprefix("files/")).read_bytes() == b"a photo"

    refused = second.manage("restore", str(written))
    assert refused.returncode == 1
    assert "is not empty" in refused.stderr
    refused = first.manage("backup", str(first.data / "inside.tar"))
    assert "lies in the data folder itself" in refused.stderr


def test_a_damaged_backup_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    whole = backup_of_first_release(tmp_path / "whole.tar").read_bytes()
    for damaged, words in (
        (whole.replace(b"a photo", b"b photo"), "is damaged: 1 of 2 files differ, the first is files/originals"),
        (whole[: len(whole) // 2], "cannot be read as a backup"),
        (b"not a tar", "cannot be read as a backup"),
    ):
        (tmp_path / "damaged.tar").write_bytes(damaged)
        installation = Installation(tmp_path / "new")
        refused = installation.manage("restore", str(tmp_path / "damaged.tar"))
        assert refused.returncode == 1
        assert words in refused.stderr
        assert "Traceback" not in refused.stderr
        assert not installation.data.exists()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged.tar", "whole.tar"]


def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        for name, content in {"manifest.json": b'{"format": 1}', "files/../../out": b"x"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    refused = Installation(tmp_path / "new").manage("restore", str(tmp_path / "bad.tar"))
    assert "which no backup of Pixelwise does" in refused.stderr
    assert not (tmp_path / "out").exists()
