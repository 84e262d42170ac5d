"""The rows of docs/models.md: each named once, and the page says what was measured."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import models_page
from benchmarks.model_rows import ROWS
from benchmarks.models import results
from segmentation.architectures_catalogue import CATALOGUE, FAMILIES, NO_TRAINING


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_every_family_has_a_row_on_magnetic_tiles() -> None:
    families = {CATALOGUE[row.architecture].family for row in ROWS if row.dataset == "magnetic-tile"}
    assert families == set(FAMILIES) - {NO_TRAINING}


def test_the_page_shows_every_measured_row(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    written = models_page.PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr(models_page, "PAGE", tmp_path / "models.md")
    measured = results()
    models_page.write_page(measured)
    assert models_page.PAGE.read_text(encoding="utf-8") == written
    for row in measured:
        assert f"{row['steps']:,}" in written
        assert json.loads(json.dumps(row)) == row
