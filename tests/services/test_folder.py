"""The data folder: private, checked before anything starts, with sockets that fit into an address."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from webapp.services import folder
from webapp.services.living import worker_name
from webapp.services.secret_key import secret_key
from webapp.services.start_error import StartError


def test_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: secret_key(data), range(8)))
    assert len(keys) == 1
    assert len(keys.pop()) >= 50
    assert stat.S_IMODE((data / "secret-key").stat().st_mode) == 0o600
    assert secret_key(tmp_path / "other") not in keys


def test_others_cannot_list_the_folder_or_read_its_logs(tmp_path: Path) -> None:
    folder.prepare(tmp_path / "data")
    assert not (tmp_path / "data").stat().st_mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IRGRP)
    assert stat.S_IMODE((tmp_path / "data" / "logs").stat().st_mode) == 0o700


@pytest.mark.parametrize("length", [1, 40, 90, 150])
def test_sockets_fit_into_an_address(tmp_path: Path, length: int) -> None:
    data = Path("/srv") / ("x" * length)
    for path in (folder.postgres_socket_folder(data) / ".s.PGSQL.5432", folder.valkey_socket(data)):
        assert len(os.fsencode(path)) <= folder.LONGEST_SOCKET_PATH
    assert (folder.socket_folder(data) == data / "run") == (length <= 40)
    assert folder.socket_folder(data) != folder.socket_folder(data.with_name("y" * length))


def test_socket_folder_that_somebody_else_could_write_is_refused(tmp_path: Path) -> None:
    data = tmp_path / ("x" * 120)
    made = folder.socket_folder(data)
    made.mkdir()
    made.chmod(0o777)
    try:
        with pytest.raises(StartError, match="belongs to somebody else"):
            folder.prepare_socket_folder(data)
    finally:
        made.rmdir()


def test_unwritable_folder_is_refused_in_one_sentence() -> None:
    with pytest.raises(StartError, match=r"^The data folder /proc/data cannot be written .*PIXELWISE_DATA"):
        folder.prepare(Path("/proc/data"))


def test_almost_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MIN_FREE_BYTES", folder.free_bytes(tmp_path) * 2)
    with pytest.raises(StartError, match=r"almost full \(\d+ MB free, at least \d+ MB needed\)"):
        folder.require_free_space(tmp_path)


def test_only_old_leftovers_of_uploads_are_removed(tmp_path: Path) -> None:
    folder.prepare(tmp_path)
    old, new, form = (tmp_path / "tmp" / name for name in ("old", "new", "form-1"))
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    form.mkdir()
    (form / "0").write_bytes(b"x")
    for path in (old, form):
        os.utime(path, (time.time() - 200_000,) * 2)
    folder.remove_stale_temporaries(tmp_path)
    assert (old.exists(), new.exists(), form.exists()) == (False, True, False)


def test_leftovers_of_a_dead_process_are_removed_at_once_and_a_living_ones_stay(tmp_path: Path) -> None:
    folder.prepare(tmp_path)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, mine = (tmp_path / "tmp" / name for name in (f"{socket.gethostname()}:{ended.pid}", worker_name()))
    for made in (dead, mine):
        made.mkdir()
        (made / "half").write_bytes(b"x")
    os.utime(mine, (time.time() - 200_000,) * 2)
    folder.remove_stale_temporaries(tmp_path)
    assert (dead.exists(), mine.exists()) == (False, True)
