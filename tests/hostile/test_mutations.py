"""Thousands of files damaged by seed, through the one reader of pictures: a picture or a reason, nothing else."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest

from segmentation.masks import read_mask
from segmentation.pictures import PictureError, PictureLimits, inspect_picture, read_rgb
from tests.hostile.drawn import wholes
from tests.hostile.mutations import mutated
from tests.hostile.test_samples import NOT_FOR_PEOPLE

SEEDS = range(100)
LIMITS = PictureLimits(max_pixels=1_000_000)
MOST_SECONDS = 2.0
REASON = re.compile(r"(is|has|needs|holds) [^\n]{3,300}")


@pytest.mark.parametrize("kind", wholes())
def test_a_damaged_file_is_a_picture_or_has_a_reason(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "sent"
    others = list(wholes().values())
    refused = 0
    for seed in SEEDS:
        path.write_bytes(mutated(wholes()[kind], seed, other=others[seed % len(others)]))
        began = time.process_time()
        try:
            facts = inspect_picture(path, limits=LIMITS)
            rgb = read_rgb(path, limits=LIMITS)
        except PictureError as error:
            refused += 1
            assert REASON.fullmatch(str(error)), f"seed {seed}: {error}"  # noqa: PT017
            assert not NOT_FOR_PEOPLE.search(str(error)), f"seed {seed}: {error}"  # noqa: PT017
        else:
            assert rgb.dtype == np.uint8, f"seed {seed}"
            assert rgb.shape == (facts.height, facts.width, 3), f"seed {seed}"
        assert time.process_time() - began < MOST_SECONDS, f"seed {seed}"
    assert refused > len(SEEDS) // 5


def test_a_damaged_mask_is_a_mask_or_has_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    for kind in ("1-bit PNG", "palette PNG", "16-bit PNG", "float TIFF", "LZW TIFF", "grey PNG with alpha", "PNG"):
        for seed in SEEDS[:40]:
            path.write_bytes(mutated(wholes()[kind], seed))
            try:
                mask = read_mask(path, limits=LIMITS)
            except PictureError as error:
                assert REASON.fullmatch(str(error)), f"{kind}, seed {seed}: {error}"  # noqa: PT017
            else:
                assert mask.dtype == np.uint8, f"{kind}, seed {seed}"
                assert mask.ndim == 2, f"{kind}, seed {seed}"
