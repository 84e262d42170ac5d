"""Drawn scenes: their truth is exact, they repeat by seed, and the example project tells its story."""

from __future__ import annotations

import io
import time
from collections import Counter
from datetime import UTC, date, datetime

import cv2
import numpy as np
import pytest
from PIL import Image

from segmentation.scenes import DEFECT_KINDS, SCENE_LABELS, SURFACES, draw_scene
from segmentation.scenes.example import EXAMPLE_LINES, draw_example_project, jpeg_bytes

INDEX = {label.name: label.index for label in SCENE_LABELS}


def test_labels_are_the_agreed_ones() -> None:
    assert [(label.index, label.name, label.is_defect) for label in SCENE_LABELS] == [
        (0, "background", False),
        (1, "scratch", True),
        (2, "crack", True),
        (3, "pit", True),
        (4, "stain", True),
    ]
    assert len({label.color for label in SCENE_LABELS}) == 5


def test_same_seed_same_scene_other_seed_other_scene() -> None:
    first, again, other = (draw_scene(np.random.default_rng(seed), surface="metal") for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.rgb, again.rgb)
    np.testing.assert_array_equal(first.mask, again.mask)
    assert not np.array_equal(first.rgb, other.rgb)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("kind", DEFECT_KINDS)
def test_truth_holds_what_was_asked_for_and_nothing_else(surface: str, kind: str) -> None:
    for seed in range(4):
        scene = draw_scene(np.random.default_rng(seed), surface=surface, defects={kind: 1})
        assert set(np.unique(scene.mask)) == {0, INDEX[kind]}
        assert scene.rgb.shape == (480, 640, 3)
        assert scene.rgb.dtype == scene.mask.dtype == np.uint8
        assert scene.has_defect


@pytest.mark.parametrize("surface", SURFACES)
def test_clean_surfaces_have_clean_truth(surface: str) -> None:
    for seed in range(4):
        scene = draw_scene(np.random.default_rng(seed), surface=surface, defects={}, difficulty=1.0)
        assert not scene.mask.any()
        assert not scene.has_defect


@pytest.mark.parametrize("kind", ["crack", "pit", "stain"])
def test_defects_can_be_seen_where_truth_says(kind: str) -> None:
    """Every dark defect is darker inside its truth than just around it, or no network could learn it."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        scene = draw_scene(rng, surface=SURFACES[seed % 2], defects={kind: 1}, difficulty=0.3)
        grey = cv2.cvtColor(scene.rgb, cv2.COLOR_RGB2GRAY).astype(float)
        inside = scene.mask == INDEX[kind]
        around = cv2.dilate(inside.astype(np.uint8), np.ones((13, 13))).astype(bool) & ~inside
        assert grey[inside].mean() < grey[around].mean() - 5


def test_size_can_be_chosen_and_small_pictures_are_refused() -> None:
    scene = draw_scene(np.random.default_rng(1), width=200, height=130, defects={"pit": 2, "stain": 1})
    assert scene.rgb.shape == (130, 200, 3)
    with pytest.raises(ValueError, match="at least 64×64 pixels, asked for 40×400"):
        draw_scene(np.random.default_rng(1), width=40, height=400)


def test_unknown_surface_and_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="surface must be one of metal, ceramic, got 'wood'"):
        draw_scene(np.random.default_rng(1), surface="wood")
    with pytest.raises(ValueError, match=r"defects must be among .*, got dent"):
        draw_scene(np.random.default_rng(1), defects={"dent": 1})


def test_difficulty_makes_defects_fainter() -> None:
    def contrast(difficulty: float) -> float:
        differences = []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            scene = draw_scene(rng, surface="ceramic", defects={"crack": 1}, difficulty=difficulty)
            grey = scene.rgb.mean(axis=2)
            inside = scene.mask > 0
            around = cv2.dilate(inside.astype(np.uint8), np.ones((13, 13))).astype(bool) & ~inside
            differences.append(grey[around].mean() - grey[inside].mean())
        return float(np.mean(differences))

    assert contrast(0.0) > 1.3 * contrast(1.0)


def test_drawing_is_fast() -> None:
    began = time.process_time()
    for seed in range(5):
        draw_scene(np.random.default_rng(seed))
    # about 20 ms each; the bar is generous because test machines are busy
    assert (time.process_time() - began) / 5 < 0.2


class TestExampleProject:
    def test_two_weeks_of_three_lines(self) -> None:
        pictures = list(draw_example_project(last_day=date(2026, 3, 15), pictures_per_day=2, seed=3))
        assert len(pictures) == 3 * (10 * 2 + 4 * 1)
        assert {picture.line for picture in pictures} == {line.name for line in EXAMPLE_LINES}
        assert len({picture.name for picture in pictures}) == len(pictures)
        assert min(picture.captured_at for picture in pictures).date() == date(2026, 3, 2)
        assert max(picture.captured_at for picture in pictures).date() == date(2026, 3, 15)

    def test_line_2_begins_to_crack(self) -> None:
        """The rates say so, and the pictures follow them."""
        line = EXAMPLE_LINES[1]
        assert line.turns_on_day is not None
        assert line.rates_on(line.turns_on_day)["crack"] > 5 * line.rates_on(0)["crack"]
        cracked: Counter[bool] = Counter()
        seen: Counter[bool] = Counter()
        for picture in draw_example_project(last_day=date(2026, 3, 15), lines=(line,)):
            is_late = (picture.captured_at.date() - date(2026, 3, 2)).days >= line.turns_on_day
            seen[is_late] += 1
            cracked[is_late] += bool((picture.scene.mask == INDEX["crack"]).any())
        assert cracked[True] / seen[True] > 0.3
        assert cracked[False] / seen[False] < 0.2

    def test_repeats_by_seed(self) -> None:
        def digest(seed: int) -> list[tuple[str, int]]:
            drawn = draw_example_project(last_day=date(2026, 3, 15), days=1, pictures_per_day=2, seed=seed)
            return [(picture.name, int(picture.scene.rgb.sum())) for picture in drawn]

        assert digest(1) == digest(1)
        assert digest(1) != digest(2)

    def test_jpeg_carries_the_capture_time(self) -> None:
        picture = next(draw_example_project(last_day=date(2026, 3, 15), days=1))
        with Image.open(io.BytesIO(jpeg_bytes(picture)), formats=["JPEG"]) as image:
            details = image.getexif().get_ifd(0x8769)
            assert image.size == (640, 480)
        stamp = f"{details[0x9003]} {details[0x9011]}"
        assert datetime.strptime(stamp, "%Y:%m:%d %H:%M:%S %z").astimezone(UTC) == picture.captured_at
