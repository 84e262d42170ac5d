"""Where defects sit, and where pictures were taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analytics.buckets import PLACE_COLUMNS
from analytics.tab_figures_places import scale_bar_m
from analytics.tabs.place import SpotRow, cells, ground_spots, image_link, place_page, spots
from tests.inspections import HEIGHT_PX, WIDTH_PX, Plant, executed
from webapp.models import Region


def test_cells_count_regions_by_their_centres(plant: Plant) -> None:
    image = plant.image({"scratch": [30, 40], "dust": [50]})
    regions = list(Region.objects.filter(prediction__image=image, label=plant.labels["scratch"]))
    Region.objects.filter(pk=regions[0].pk).update(centroid_x_px=WIDTH_PX - 0.6, centroid_y_px=HEIGHT_PX - 0.6)
    plant.count_up()
    scratch = plant.labels["scratch"].pk
    counts = executed(cells, plant.scope(), [scratch])
    assert sum(counts) == 2
    assert (counts[0], counts[-1]) == (1, 1)
    in_batch = replace(plant.scope(), batch_id=plant.batch.pk)
    assert executed(cells, in_batch, [scratch]) == counts
    grid = executed(place_page, plant.scope()).panels[0]
    assert grid.sentence.startswith("2 regions by their centres")
    assert "evenly spread it would be 11.1%" in grid.sentence
    assert len(grid.figure["data"][0]["z"][0]) == PLACE_COLUMNS
    assert grid.figure["data"][1]["z"] == [[0, 1]], "a scale for the colours"
    assert grid.figure["layout"]["xaxis2"]["title"]["text"] == "Regions"


def test_pictures_with_a_position_come_worst_first(plant: Plant) -> None:
    for area in (30, 200, 0):
        image = plant.image({"scratch": [area]} if area else {})
        image.latitude, image.longitude = 52.5, 13.4
        image.save()
    plant.image({"scratch": [500]})
    plant.count_up()
    rows = executed(spots, plant.scope())
    assert [row.area_fraction for row in rows] == [0.04, 0.006, 0.0]
    assert [row.is_fail for row in rows] == [True, True, False]
    ground = executed(place_page, plant.scope()).panels[1]
    assert ground.sentence.startswith("3 pictures with a position, 2 of them failed")
    assert ground.rows[0].query == image_link(plant.scope(), rows[0].image_id) == f"/{rows[0].image_id}/"


def test_without_positions_the_page_says_what_to_do(week: Plant) -> None:
    ground = executed(place_page, week.scope()).panels[1]
    assert ground.figure is None
    assert "Switch it on" in ground.sentence


def test_degrees_become_metres(plant: Plant) -> None:
    north = SpotRow(1, "a", 60.0, 179.9995, False, 0.0)
    south = SpotRow(2, "b", 59.999, -179.9995, True, 0.1)
    first, second = ground_spots(plant.scope(), (north, south))
    assert first.north_m - second.north_m == pytest.approx(111.32, abs=0.01)
    assert second.east_m - first.east_m == pytest.approx(111.32 / 2, abs=0.01), "across the date line, at 60° north"


@pytest.mark.parametrize(("side", "bar"), [(100.0, 20.0), (20.0, 5.0), (4_100.0, 1_000.0), (9.0, 2.0)])
def test_scale_bars_are_round(side: float, bar: float) -> None:
    assert scale_bar_m(side) == bar
