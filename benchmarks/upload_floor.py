"""The least a server can do with a photo: stream the body to a file, hash it meanwhile, flush it to disk. No database.

Served by the same gunicorn configuration: `gunicorn benchmarks.upload_floor --config deploy/gunicorn.conf.py`.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_FOLDER = Path(os.environ.get("PIXELWISE_DATA", "/tmp")) / "floor"  # noqa: S108
_FOLDER.mkdir(parents=True, exist_ok=True)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    left = int(environ.get("CONTENT_LENGTH") or 0)
    digest = hashlib.sha256()
    with (_FOLDER / uuid.uuid4().hex).open("wb") as file:
        while left and (block := environ["wsgi.input"].read(min(left, 1 << 20))):
            digest.update(block)
            file.write(block)
            left -= len(block)
        file.flush()
        os.fsync(file.fileno())
    body = b'{"sha256": "%s"}' % digest.hexdigest().encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
