"""The rows of docs/models.md: each named once, and the page says what was measured."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from torch import nn

from benchmarks import gpu, large_pictures, models_page, pipeline
from benchmarks.model_rows import ROWS
from benchmarks.models import results
from benchmarks.pipeline_line import _drawn, _with_remark
from segmentation.architectures_catalogue import CATALOGUE, FAMILIES, NO_TRAINING
from segmentation.pictures import read_rgb


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


def test_the_large_picture_is_drawn_in_strips_as_large_as_asked_for(tmp_path: Any) -> None:
    for kind in large_pictures.KINDS:
        large_pictures.draw(kind, 500, 300, str(tmp_path))
        (path,) = tmp_path.iterdir()
        rgb = read_rgb(path)
        assert rgb.shape == (300, 500, 3), kind
        assert len(np.unique(rgb[:, :, 0] // 16)) > 4, kind
        path.unlink()


def test_the_floor_of_a_gpu_is_its_slower_limit() -> None:
    """An H200: 989 TFLOP/s and 4.8 TB/s. The longest name that fits is taken: an H100 PCIe is no H100 SXM."""
    assert gpu.floor_of("NVIDIA H200", 10**11, 10**6) == pytest.approx(9890)
    assert gpu.floor_of("NVIDIA H200", 10**9, 48 * 10**7) == pytest.approx(10_000)
    assert gpu.floor_of("NVIDIA H100 PCIe", 10**11, 10**6) == pytest.approx(7560)
    assert gpu.floor_of("something else", 10**11, 10**6) is None


def test_operations_and_bytes_of_a_convolution_are_counted() -> None:
    """3 × 3 from 3 to 8 channels over 512 × 512: two operations a weight and place; all is moved once in two bytes."""
    operations, moved = gpu.costs_of(nn.Conv2d(3, 8, 3, padding=1, bias=False).eval())
    assert operations == 2 * 8 * 3 * 9 * 512**2
    assert moved == 2 * ((3 + 8) * 512**2 + 8 * 3 * 9)


def test_what_the_cores_allow_is_told_beside_what_the_pipeline_did(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cores could do 20 images a second of 90 + 10 ms, the bare model did 18 of them, the pipeline 15."""
    monkeypatch.setattr(pipeline.os, "sched_getaffinity", lambda _: {0, 1})
    bare, whole = pipeline.Turn(18, 0.08, 0), pipeline.Turn(15, 0.09, 0.01)
    found = pipeline._summary([bare], [whole])
    assert (found["ratio"], found["best_ratio_of_these_cores"]) == (0.833, 1.111)
    assert (found["model_cpu_ms"], found["other_cpu_ms"], found["database_cpu_ms"]) == (80, 20, 10)


def test_a_remark_makes_another_file_of_the_same_picture(tmp_path: Any) -> None:
    jpeg = _drawn(1)
    paths = [tmp_path / "plain.jpg", tmp_path / "remarked.jpg"]
    for path, content in zip(paths, (jpeg, _with_remark(jpeg, "7")), strict=True):
        path.write_bytes(content)
    plain, remarked = (read_rgb(path) for path in paths)
    assert paths[0].read_bytes() != paths[1].read_bytes()
    assert np.array_equal(plain, remarked)
