"""The cache of a bucket stays within its bound, and what was just asked for stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from webapp.services import bucket_cache
from webapp.services.default_storage import bucket_and_prefix, default_storage

HOUR = 3600.0


def copy(folder: Path, name: str, size: int, hours_unused: float) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    used_at = time.time() - hours_unused * HOUR
    os.utime(path, (used_at, 1_000_000_000))
    return path


def test_the_longest_unused_go_until_it_is_within_its_bound(tmp_path: Path) -> None:
    old = copy(tmp_path, "originals/aa/1", 400, hours_unused=9)
    middle = copy(tmp_path, "originals/bb/2", 400, hours_unused=5)
    new = copy(tmp_path, "masks/3.png", 400, hours_unused=1)
    assert bucket_cache.sweep(tmp_path, most_bytes=900) == 400
    assert [path.exists() for path in (old, middle, new)] == [False, True, True]


def test_a_copy_that_is_used_counts_as_new_and_keeps_its_version(tmp_path: Path) -> None:
    used = copy(tmp_path, "a", 400, hours_unused=9)
    unused = copy(tmp_path, "b", 400, hours_unused=2)
    assert bucket_cache.touch(used)
    assert used.stat().st_mtime == 1_000_000_000
    bucket_cache.sweep(tmp_path, most_bytes=500)
    assert (used.exists(), unused.exists()) == (True, False)
    assert not bucket_cache.touch(unused)


def test_what_was_asked_for_a_moment_ago_stays_whatever_the_bound(tmp_path: Path) -> None:
    just_fetched = copy(tmp_path, "a", 400, hours_unused=0)
    assert bucket_cache.sweep(tmp_path, most_bytes=1) == 0
    assert just_fetched.exists()


def test_what_nobody_used_for_a_week_goes_although_there_is_room(tmp_path: Path) -> None:
    forgotten = copy(tmp_path, "a", 10, hours_unused=8 * 24)
    bucket_cache.sweep(tmp_path, most_bytes=10_000)
    assert not forgotten.exists()


def test_one_process_sweeps_at_a_time(tmp_path: Path) -> None:
    copy(tmp_path, "a", 400, hours_unused=9)
    with bucket_cache._alone(tmp_path) as is_mine:
        assert is_mine
        assert bucket_cache.sweep(tmp_path, most_bytes=1) == 0
    assert bucket_cache.sweep(tmp_path, most_bytes=1) == 400


def test_growth_asks_for_a_sweep_each_fiftieth_of_the_bound() -> None:
    growth = bucket_cache.Growth()
    assert [growth.add(10, most_bytes=1000) for _ in range(5)] == [False, True, False, True, False]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("s3://photos", ("photos", "")),
        ("s3://photos/", ("photos", "")),
        ("s3://photos/plant 1", None),
        ("s3://photos/plant/a", ("photos", "plant/a")),
        ("s3://photos/../other", None),
        ("s3://photos//a", None),
        ("https://photos/a", None),
        ("s3://P", None),
    ],
)
def test_addresses_of_buckets(address: str, expected: tuple[str, str] | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="expected s3://BUCKET"):
            bucket_and_prefix(address)
    else:
        assert bucket_and_prefix(address) == expected


def test_without_an_address_files_lie_in_the_data_folder(tmp_path: Path) -> None:
    entry = default_storage("", data=tmp_path)
    assert entry["BACKEND"].endswith("FileSystemStorage")
    assert entry["OPTIONS"] == {"location": str(tmp_path)}
