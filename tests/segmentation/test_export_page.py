"""docs/export.md: its program gives our masks, and its list says everything that stays outside an exported file."""

from __future__ import annotations

import dataclasses
import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmentation.export import export_model
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec
from segmentation.weights import save_model
from tests.segmentation.drawings import noise
from tests.segmentation.models import seeded, spec_of

PAGE = (Path(__file__).resolve().parents[2] / "docs/export.md").read_text()
SECTION = PAGE.partition("### What is in the file")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"scale": 0.5},
        {"scale": 0.5, "evens_light": True, "mirrors": ("vertically",)},
        {
            "mean": (128.0,),
            "std": (64.0,),
            "max_side_px": 90,
            "mirrors": ("horizontally", "vertically"),
            "defect_offset": -0.05,
            "temperature": 1.7,
        },
    ],
    ids=["halved", "evened", "grey"],
)
def test_its_program_gives_our_masks(changes: dict[str, Any], tmp_path: Path) -> None:
    spec = spec_of("unet", **changes)
    save_model(tmp_path / "model", spec, seeded(spec), card="for a test")
    export_model(tmp_path / "model", "onnx", [noise(64, 48, place) for place in range(16)])
    out = tmp_path / "out"
    out.mkdir()
    for name in ("model.json", "exports/model.onnx", "exports/onnx.json"):
        shutil.copy(tmp_path / "model" / name, out)
    program = tmp_path / "program.py"
    program.write_text(re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)[0])
    segment = runpy.run_path(str(program))["segment"]
    ours = Segmenter(tmp_path / "model", "cpu")
    for picture in (noise(250, 187), noise(64, 97, 1)):
        mask, confidence = segment(out, picture)
        found = ours.segment([picture])[0]
        assert len(np.unique(found.mask)) > 1
        assert mask.dtype == np.uint8
        assert (mask == found.mask).mean() > 0.999
        np.testing.assert_allclose(confidence, found.confidence, atol=1e-3)


def test_its_program_refuses_what_it_would_do_otherwise(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)[0])
    spec = dataclasses.asdict(spec_of("nearest-color", tile_px=50))
    with pytest.raises(ValueError, match="60×40 px must be cut into tiles of 50 px"):
        runpy.run_path(str(program))["seen"](noise(60, 40), spec)


def test_all_that_a_spec_says_is_in_the_list() -> None:
    """But what the network was built from."""
    names = {field.name for field in dataclasses.fields(ModelSpec)} - {"architecture", "encoder"}
    told = SECTION.partition("```python")[0]
    assert {name for name in names | {"least_px", "multiple_px", "halo_px"} if f"`{name}`" not in told} == set()
