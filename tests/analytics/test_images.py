"""The images behind a number: order, pages, neighbours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from analytics import ImagePage, Scope, ScopeError, image_count, image_neighbours, image_rows
from tests.inspections import NOON, Plant, executed


def page_of(scope: Scope, **options: object) -> ImagePage:
    return executed(image_rows, scope, **options)


def names(page: ImagePage) -> list[str]:
    return [row.name for row in page.items]


@pytest.fixture
def shelf(plant: Plant) -> Plant:
    """Five images: a with the largest defect, then b and c alike, d with dust only, e clean."""
    for number, (name, found) in enumerate(
        {
            "a": {"scratch": [50], "pit": [30]},
            "b": {"pit": [40]},
            "c": {"scratch": [40]},
            "d": {"dust": [100]},
            "e": {},
        }.items()
    ):
        plant.image(found, name=name, captured_at=NOON + timedelta(hours=number))
    return plant.count_up()


def test_worst_come_first(shelf: Plant) -> None:
    page = page_of(shelf.scope())
    assert names(page) == ["a", "c", "b", "e", "d"]
    assert page.next is None
    first = page.items[0]
    assert (first.verdict, first.confidence, first.defect_area_fraction) == ("fail", 0.9, 0.016)
    assert first.captured_at == NOON


def test_newest_first(shelf: Plant) -> None:
    assert names(page_of(shelf.scope(), order="newest")) == ["e", "d", "c", "b", "a"]


@pytest.mark.parametrize("order", ["worst", "newest"])
@pytest.mark.parametrize("limit", [1, 2, 4, 5])
def test_pages_together_are_the_whole(shelf: Plant, order: str, limit: int) -> None:
    whole = names(page_of(shelf.scope(), order=order))
    found: list[str] = []
    after: str | None = None
    while True:
        page = page_of(shelf.scope(), order=order, after=after, limit=limit)
        assert 0 < len(page.items) <= limit
        found += names(page)
        after = page.next
        if after is None:
            break
    assert found == whole


def test_verdict_and_label_narrow_it(shelf: Plant) -> None:
    assert names(page_of(shelf.scope(), verdict="fail")) == ["a", "c", "b"]
    assert names(page_of(shelf.scope(), verdict="pass")) == ["e", "d"]
    pit = shelf.scope(label_id=shelf.labels["pit"].pk)
    assert names(page_of(pit)) == ["b", "a"]
    dust = shelf.scope(label_id=shelf.labels["dust"].pk)
    assert names(page_of(dust)) == ["d"]
    assert names(page_of(dust, verdict="fail")) == []
    assert executed(image_count, pit) == 2
    assert executed(image_count, shelf.scope(), verdict="pass") == 2


def test_an_image_has_the_name_it_has_in_the_batch(shelf: Plant) -> None:
    batch = shelf.new_batch("Second")
    image = shelf.image({"pit": [20]}, name="first.png")
    image.batch_images.create(batch=batch, name="left/door.png")
    assert names(page_of(shelf.scope(batch_id=batch.pk))) == ["left/door.png"]
    assert "first.png" in names(page_of(shelf.scope()))


def test_neighbours_follow_the_order(shelf: Plant) -> None:
    ids = {row.name: row.image_id for row in page_of(shelf.scope()).items}
    assert executed(image_neighbours, shelf.scope(), ids["c"]) == (ids["a"], ids["b"])
    assert executed(image_neighbours, shelf.scope(), ids["a"]) == (None, ids["c"])
    assert executed(image_neighbours, shelf.scope(), ids["b"], verdict="fail") == (ids["c"], None)
    assert executed(image_neighbours, shelf.scope(), ids["e"], verdict="fail") == (None, None)
    assert executed(image_neighbours, shelf.scope(), ids["b"], order="newest") == (ids["c"], ids["a"])


@pytest.mark.parametrize("after", ["x", "1_", "_1", "1_2_3", "nan_1x", "1e999999_-1", "--1_1", "1_" + "9" * 30])
def test_a_made_up_page_is_refused(shelf: Plant, after: str) -> None:
    with pytest.raises(ScopeError) as caught:
        page_of(shelf.scope(), after=after)
    assert "after" in caught.value.fields


@pytest.mark.parametrize("order", ["worst", "newest"])
@pytest.mark.parametrize("word", [None, "waiting", "overruled"])
@pytest.mark.parametrize("verdict", [None, "pass", "fail"])
@pytest.mark.parametrize("limits", ["", "label", "batch"])
def test_the_count_is_of_what_is_paged_through(
    shelf: Plant, order: str, word: str | None, verdict: str | None, limits: str
) -> None:
    for name, said in {"a": "fail", "b": "pass", "e": "fail"}.items():
        shelf.project.images.filter(name=name).update(reviewed_verdict=said)
    shelf.count_up()
    scopes = {
        "": shelf.scope(),
        "label": shelf.scope(label_id=shelf.labels["pit"].pk),
        "batch": shelf.scope(batch_id=shelf.batch.pk),
    }
    scope = scopes[limits]
    shown = names(page_of(scope, order=order, word=word, verdict=verdict))
    assert len(shown) == executed(image_count, scope, word=word, verdict=verdict)
    if not limits and word == "overruled":
        assert set(shown) == {None: {"b", "e"}, "pass": {"b"}, "fail": {"e"}}[verdict]


def test_an_image_outside_of_the_scope_has_no_neighbours(shelf: Plant) -> None:
    ids = {row.name: row.image_id for row in page_of(shelf.scope()).items}
    assert executed(image_neighbours, shelf.scope(), ids["a"], verdict="pass") == (None, None)


@pytest.mark.parametrize("after", ["inf_3", "1e300_3", "-1e40_1"])
def test_a_time_that_no_clock_shows_is_refused(shelf: Plant, after: str) -> None:
    with pytest.raises(ScopeError):
        page_of(shelf.scope(), order="newest", after=after)
