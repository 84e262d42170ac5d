"""From a query string to a scope and back, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import Choice, Choices, Scope, ScopeError
from analytics.scope import BUCKETS, WITHOUT_SOURCE

CHOICES = Choices(
    sources=(Choice(5, "North / Line 1"), Choice(6, "7")),
    labels=(Choice(7, "scratch"), Choice(8, "pit")),
    model_versions=(Choice(9, "v1 unet"),),
    batches=(Choice(11, "Monday"), Choice(10, "Monday")),
)
HOUR = datetime(2026, 5, 12, 13, tzinfo=UTC)


def read(query: dict[str, str], time_zone: str = "UTC") -> Scope:
    return Scope.from_query(query, project_id=1, choices=CHOICES, time_zone=time_zone)


def test_an_empty_query_is_everything() -> None:
    scope = read({"from": "", "unknown": "x", "verdict": "fail"})
    assert scope == Scope(project_id=1, time_zone="UTC")
    assert scope.query() == ""
    assert scope.span() == (None, None)
    assert not scope.is_narrowed()
    assert not read({"by": "week"}).is_narrowed()


def test_every_parameter_is_read() -> None:
    query = {
        "from": "2026-05-01",
        "to": "2026-05-31",
        "hour": "2026-05-12T13:00Z",
        "source": "5",
        "label": "7",
        "model": "9",
        "batch": "10",
        "by": "day",
    }
    scope = read(query)
    assert scope == Scope(
        project_id=1,
        time_zone="UTC",
        start=date(2026, 5, 1),
        end=date(2026, 5, 31),
        hour=HOUR,
        source_id=5,
        label_id=7,
        model_version_id=9,
        batch_id=10,
        bucket="day",
    )
    assert dict(parse_qsl(scope.query())) == query


def test_names_do_where_ids_are_expected() -> None:
    scope = read({"source": "north / line 1", "label": "Pit"})
    assert (scope.source_id, scope.label_id) == (5, 8)
    assert read({"source": "none"}).source_id == WITHOUT_SOURCE
    assert read({"batch": "Monday"}).batch_id == 11


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ({"from": "yesterday"}, "from", "like 2026-05-12"),
        ({"from": "2026-02-30"}, "from", "like 2026-05-12"),
        ({"to": "0001-01-01"}, "to", "1900 to 2100"),
        ({"to": "9999-12-31"}, "to", "1900 to 2100"),
        ({"from": "2026-05-02", "to": "2026-05-01"}, "to", "before the first"),
        ({"source": "99"}, "source", "no source “99”"),
        ({"label": "0x7"}, "label", "no label"),
        ({"model": "-9"}, "model", "no model"),
        ({"batch": "10; DROP TABLE batch"}, "batch", "no batch"),
        ({"by": "minute"}, "by", "hour, day, week or auto"),
        ({"hour": "2026-05-12T13:00"}, "hour", "2026-05-12T13:00Z"),
        ({"hour": "noon"}, "hour", "2026-05-12T13:00Z"),
        ({"hour": "0001-01-01T00:00+14:00"}, "hour", "2026-05-12T13:00Z"),
        ({"from": "\x00"}, "from", "like 2026-05-12"),
    ],
)
def test_what_makes_no_sense_is_named(query: dict[str, str], field: str, says: str) -> None:
    with pytest.raises(ScopeError) as caught:
        read(query)
    assert list(caught.value.fields) == [field]
    assert says in caught.value.fields[field]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ScopeError, match=r"label: .*; by: "):
        read({"label": "nope", "by": "nope"})


def test_days_run_from_midnight_to_midnight_of_the_zone() -> None:
    scope = read({"from": "2026-03-29", "to": "2026-03-29"}, time_zone="Europe/Berlin")
    assert scope.span() == (
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
    )
    kathmandu = read({"from": "2026-01-01"}, time_zone="Asia/Kathmandu")
    assert kathmandu.span() == (datetime(2025, 12, 31, 18, 15, tzinfo=UTC), None)


def test_an_hour_and_days_limit_each_other() -> None:
    scope = read({"from": "2026-05-12", "to": "2026-05-12", "hour": "2026-05-12T13:00Z"})
    assert scope.span() == (HOUR, HOUR.replace(hour=14))


def test_the_period_before_is_as_long() -> None:
    before = read({"from": "2026-05-08", "to": "2026-05-14", "label": "7"}).previous()
    assert before is not None
    assert (before.start, before.end, before.label_id) == (date(2026, 5, 1), date(2026, 5, 7), 7)
    assert read({"from": "2026-05-08"}).previous() is None
    assert read({"from": "1900-01-02", "to": "2026-01-01"}).previous() is None


@pytest.mark.parametrize(
    ("time_zone", "fits"),
    [("UTC", True), ("Europe/Berlin", True), ("Asia/Kolkata", False), ("Australia/Lord_Howe", False)],
)
def test_zones_off_the_full_hour_are_known(time_zone: str, fits: bool) -> None:
    assert read({}, time_zone=time_zone).fits_utc_hours() is fits
    assert read({"hour": "2026-05-12T13:30Z"}).fits_utc_hours() is False


def test_images_behind_a_number() -> None:
    everything = read({"by": "day", "from": "2026-05-01"})
    assert everything.images_query(defective=True) == "from=2026-05-01&verdict=fail"
    assert everything.images_query(defective=False, source_id=WITHOUT_SOURCE) == "from=2026-05-01&source=none"
    labelled = read({"label": "7"})
    assert labelled.images_query(defective=True) == "label=7"
    assert labelled.images_query(defective=False) == ""


DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@given(
    days=st.none() | st.tuples(DAYS, DAYS).map(sorted),
    source_id=st.sampled_from([None, WITHOUT_SOURCE, 5, 6]),
    label_id=st.sampled_from([None, 7, 8]),
    bucket=st.sampled_from(BUCKETS),
    hour=st.none() | st.just(HOUR),
)
def test_a_scope_survives_its_own_query(
    days: list[date] | None, source_id: int | None, label_id: int | None, bucket: str, hour: datetime | None
) -> None:
    start, end = days or (None, None)
    scope = Scope(
        project_id=1,
        time_zone="UTC",
        start=start,
        end=end,
        hour=hour,
        source_id=source_id,
        label_id=label_id,
        bucket=bucket,
    )
    assert read(dict(parse_qsl(scope.query()))) == scope
