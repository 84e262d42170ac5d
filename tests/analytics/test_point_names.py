"""Names beside points, where there is room for them."""

from __future__ import annotations

from analytics.point_names import point_names, side_of


def test_points_that_coincide_share_one_text() -> None:
    assert point_names([(0.9, 0.5), (0.91, 0.51)], ["North", "South"], order=(0, 1)) == ["North<br>South", ""]


def test_a_text_that_would_cover_something_is_left_out() -> None:
    beside = [(0.9, 0.5), (0.8, 0.5)]
    assert point_names(beside, ["North", "South"], order=(0, 1)) == ["", "South"]
    over = [(0.9, 0.5), (0.3, 0.52)]
    long = ["North of the river, hall", "South of the river, hall"]
    assert point_names(over, long, order=(0, 1))[0] != ""
    assert point_names(over, long, order=(1, 0)) == ["", "South of the river, h…"]


def test_texts_stand_towards_the_middle() -> None:
    assert (side_of((0.1, 0.5)), side_of((0.9, 0.5))) == ("middle right", "middle left")
