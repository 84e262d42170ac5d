"""Django's default storage: the data folder, or the bucket that PIXELWISE_STORAGE names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[\w./-]*))?", re.ASCII)


def default_storage(
    address: str, *, data: Path, endpoint: str = "", region: str = "", key: str = "", secret: str = ""
) -> dict[str, Any]:
    """Its entry in STORAGES. An address that is none gives a bucket without a name, which the checks tell about.

    Without a key boto3 looks for one as it always does: AWS' own variables and files, the machine's role.
    """
    if not address:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(data)}}
    try:
        bucket, prefix = bucket_and_prefix(address)
    except ValueError:
        bucket, prefix = "", ""
    options = {
        "bucket_name": bucket,
        "location": prefix,
        "endpoint_url": endpoint or None,
        "region_name": region or ("us-east-1" if endpoint else None),
        "access_key": key or None,
        "secret_key": secret or None,
    }
    return {"BACKEND": "webapp.services.bucket.Bucket", "OPTIONS": options}


def bucket_and_prefix(address: str) -> tuple[str, str]:
    """`s3://bucket/prefix` → (bucket, prefix). ValueError where it is no such address."""
    found = _ADDRESS.fullmatch(address.rstrip("/"))
    prefix = (found["prefix"] or "") if found else ""
    if found is None or any(part in ("", "..", ".") for part in prefix.split("/") if prefix):
        raise ValueError(f"expected s3://BUCKET or s3://BUCKET/PREFIX, got {address!r}")
    return found["bucket"], prefix
