"""Many files into the store at once: whole or not at all, and what is there stays."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from webapp import stored_groups
from webapp.stored_groups import move_all_into_place


def files(folder: Path, contents: Sequence[bytes]) -> list[tuple[Path, Path]]:
    """(source, target) pairs; the sources are there."""
    pairs = [(folder / f"new-{number}", folder / str(number) / "kept") for number in range(len(contents))]
    for (source, _), content in zip(pairs, contents, strict=True):
        source.write_bytes(content)
    return pairs


@pytest.mark.parametrize("count", [1, 2, 7])
def test_each_goes_to_its_place(tmp_path: Path, count: int) -> None:
    pairs = files(tmp_path, [b"%d" % number for number in range(count)])
    move_all_into_place(pairs)
    assert [target.read_bytes() for _, target in pairs] == [b"%d" % number for number in range(count)]
    assert not any(source.exists() for source, _ in pairs)


def test_what_is_there_stays_and_content_that_comes_twice_is_moved_once(tmp_path: Path) -> None:
    (kept, target), (again, _) = files(tmp_path, [b"one", b"two"])
    target.parent.mkdir()
    target.write_bytes(b"there")
    move_all_into_place([(kept, target)])
    assert target.read_bytes() == b"there"
    elsewhere = tmp_path / "new" / "kept"
    move_all_into_place([(kept, elsewhere), (again, elsewhere)])
    assert elsewhere.read_bytes() == b"one"
    assert again.exists()


def test_nothing_gets_its_name_before_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(paths: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stored_groups, "flush", full)
    pairs = files(tmp_path, [b"1", b"2", b"3"])
    with pytest.raises(OSError, match="No space"):
        move_all_into_place(pairs)
    assert not any(target.exists() for _, target in pairs)
