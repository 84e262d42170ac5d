"""A backup takes a bucket's files along, and is restored to a folder or to another bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection

from tests.buckets import KEY, SECRET, S3Server
from webapp import storage
from webapp.services.backup import unpack_backup, write_backup
from webapp.services.backup_store import fill_store, require_empty
from webapp.services.bucket import Bucket
from webapp.services.bucket_examination import examine_bucket
from webapp.services.default_storage import default_storage
from webapp.services.start_error import StartError
from webapp.stored_files import bucket

FILES = {
    "originals/ab/" + "ab" * 32: b"not really a photo",
    "predictions/000000/7.png": b"a mask",
    "models/m-1/model.json": b"{}",
    "archives/3.zip": b"PK",
}


def contents(store: Bucket, folder: Path) -> dict[str, bytes]:
    found = {}
    for name in store.names():
        with (folder / "copy").open("w+b") as file:
            store.download(name, file)
            file.seek(0)
            found[name] = file.read()
    return found


@pytest.mark.django_db
def test_from_one_bucket_to_a_folder_and_to_another_bucket(
    stored_in_bucket: Any, s3_server: S3Server, settings: LazySettings, tmp_path: Path
) -> None:
    data = Path(settings.PIXELWISE_DATA)
    for name, content in FILES.items():
        storage.write(data / "cache" / name, content)
    (data / "secret-key").write_bytes(b"key of this installation")
    (data / "archives" / "data-set-5").mkdir(parents=True)
    (data / "archives" / "data-set-5" / "members.jsonl").write_bytes(b"")
    target = tmp_path / "all.tar"
    backup = write_backup(target, data=data, database=connection.settings_dict, version="1", store=bucket())
    assert backup.file_count == len(FILES) + 2

    restored, dump = unpack_backup(target, data=tmp_path / "new")
    assert restored.file_count == backup.file_count
    assert dump.stat().st_size > 1000
    found = {path: (tmp_path / "new" / path).read_bytes() for path in FILES}
    assert found == FILES
    assert not (tmp_path / "new" / "cache").exists()

    options = default_storage(f"s3://{s3_server.new_bucket()}", data=data, endpoint=s3_server.url)["OPTIONS"]
    other = Bucket(**options | {"access_key": KEY, "secret_key": SECRET})
    require_empty(other)
    assert fill_store(tmp_path / "new", other) == len(FILES)
    assert contents(other, tmp_path) == FILES
    assert (tmp_path / "new" / "archives" / "data-set-5" / "members.jsonl").exists()
    assert not any((tmp_path / "new" / path).exists() for path in FILES)
    with pytest.raises(StartError, match="already"):
        require_empty(other)


def test_the_doctor_writes_reads_and_clears_the_bucket(stored_in_bucket: Any, settings: LazySettings) -> None:
    client, name = stored_in_bucket
    assert not examine_bucket().is_broken
    assert not client.list_objects_v2(Bucket=name).get("Contents")
    client.delete_bucket(Bucket=name)
    finding = examine_bucket()
    assert finding.is_broken
    assert "NoSuchBucket" in finding.says
    assert "PIXELWISE_STORAGE_ENDPOINT" in finding.cure
