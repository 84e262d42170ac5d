"""Whether the bucket that holds the files can be written, read and cleared, for `manage.py doctor`."""

from __future__ import annotations

import io
import uuid
from typing import cast

from django.conf import settings
from django.core.files.storage import storages

from webapp.services.bucket import Bucket
from webapp.services.finding import Finding
from webapp.services.store_away_error import StoreAwayError

_CURE = (
    "Check PIXELWISE_STORAGE, PIXELWISE_STORAGE_ENDPOINT and the key, which has to list the bucket and to read, "
    "write and delete its objects."
)


def examine_bucket() -> Finding:
    """Leaves nothing behind."""
    store = cast("Bucket", storages["default"])
    name, content, found = f"probe-{uuid.uuid4().hex}", b"pixelwise", io.BytesIO()
    try:
        store.put(name, content)
        store.download(name, found)
        list(store.listed("probe"))
        store.remove([name])
    except (StoreAwayError, FileNotFoundError) as error:
        return Finding.broken("Bucket", f"{settings.PIXELWISE_STORAGE}: {error.strerror}", _CURE)
    if found.getvalue() != content:
        return Finding.broken("Bucket", f"{settings.PIXELWISE_STORAGE} gave back something else", _CURE)
    return Finding.works("Bucket", settings.PIXELWISE_STORAGE)
