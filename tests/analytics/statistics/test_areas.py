"""Areas corrected for the model's errors: the published example, and coverage of simulated truth."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.statistics import ImageArea, adjusted_area_from_images, adjusted_areas

# Olofsson et al. 2014, table 8: deforestation, forest gain, stable forest, stable non-forest.
MATRIX = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
PIXELS = [200_000, 150_000, 3_200_000, 6_450_000]
HECTARES = 0.09
"""Of one Landsat pixel, 30 m × 30 m."""


def test_areas_of_the_published_example() -> None:
    """Olofsson et al. 2014, section 5.2: deforestation 235,086 ± 68,418 pixels = 21,158 ± 6,158 ha; forest gain
    11,686 ± 3,756, stable forest 285,770 ± 15,510, stable non-forest 581,386 ± 16,282 ha.
    """
    areas = adjusted_areas(MATRIX, PIXELS)
    assert areas[0].value == pytest.approx(235_086, abs=1)
    assert 1.96 * areas[0].se == pytest.approx(68_418, rel=1e-4)
    assert areas[0].map_area == 200_000
    published = [(21_158, 6_158), (11_686, 3_756), (285_770, 15_510), (581_386, 16_282)]
    for area, (value, half) in zip(areas, published, strict=True):
        assert area.value * HECTARES == pytest.approx(value, abs=1)
        assert (area.high - area.low) / 2 * HECTARES == pytest.approx(half, abs=2)


def test_areas_add_up() -> None:
    areas = adjusted_areas(MATRIX, PIXELS)
    assert sum(area.value for area in areas) == pytest.approx(sum(PIXELS))


def test_interval_of_areas_covers_the_truth() -> None:
    """Two labels: 10 % marked as scratch, of which 80 % are; 4 % of the rest are scratch too."""
    random = np.random.default_rng(13)
    truth = 100_000 * 0.8 + 900_000 * 0.04
    right, missed = random.binomial(200, 0.8, size=1000).tolist(), random.binomial(300, 0.04, size=1000).tolist()
    covered = 0
    for hit, lost in zip(right, missed, strict=True):
        area = adjusted_areas([[hit, 200 - hit], [lost, 300 - lost]], [100_000, 900_000])[0]
        covered += area.low <= truth <= area.high
    assert covered >= 925


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(ValueError, match="square"):
        adjusted_areas([[1, 2]], [5.0])
    with pytest.raises(ValueError, match="two drawn pixels"):
        adjusted_areas([[1, 0], [3, 3]], [5.0, 5.0])
    assert adjusted_areas([[0, 0], [1, 3]], [0.0, 8.0])[0].value == pytest.approx(2)


def fleet(seed: int, images: int, drawn: int) -> tuple[list[list[ImageArea]], np.ndarray, float]:
    """1,000 audits of one fleet of images whose true and marked areas go together, with errors that differ by image."""
    random = np.random.default_rng(seed)
    true = random.gamma(1.5, 400, size=images)
    found = true * random.beta(9, 1, size=images)
    wrong = random.gamma(1, 30, size=images)
    picks = [random.choice(images, drawn, replace=False) for _ in range(1000)]
    audits = [[ImageArea(found[i], wrong[i], true[i] - found[i]) for i in pick] for pick in picks]
    return audits, true, float((found + wrong).sum())


@pytest.mark.parametrize(("images", "drawn"), [(5000, 30), (200, 100)])
def test_interval_by_images_covers_the_truth(images: int, drawn: int) -> None:
    audits, true, marked = fleet(14, images, drawn)
    covered = 0
    for audit in audits:
        estimate = adjusted_area_from_images(audit, marked, images)
        assert estimate is not None
        assert estimate.low <= estimate.value <= estimate.high
        covered += estimate.low <= true.sum() <= estimate.high
    assert covered >= 930


def test_a_perfect_model_keeps_its_area() -> None:
    estimate = adjusted_area_from_images([ImageArea(10.0 * i, 0, 0) for i in range(1, 20)], 5000)
    assert estimate is not None
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((5000, 5000, 5000))


def test_too_few_images_tell_no_area() -> None:
    assert adjusted_area_from_images([ImageArea(10, 1, 1)] * 9, 5000) is None
    assert adjusted_area_from_images([ImageArea(0, 0, 5)] * 20, 5000) is None
