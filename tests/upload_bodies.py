"""Requests of an upload as a browser writes them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

FILES_TYPE = "application/vnd.pixelwise.files"
PIECE_TYPE = "application/offset+octet-stream"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def group(files: dict[str, bytes], **wrong: Any) -> bytes:
    """A group of small files in one body; `wrong` replaces what the first file's entry says."""
    rows = [{"name": name, "sha256": sha256(content), "size_bytes": len(content)} for name, content in files.items()]
    rows[0] |= wrong
    return json.dumps({"files": rows}).encode() + b"\n" + b"".join(files.values())


def base64_of(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def creation(name: str, content: bytes) -> dict[str, str]:
    """Headers that begin a resumable upload."""
    return {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(content)),
        "Upload-Metadata": f"filename {base64_of(name)},sha256 {base64_of(sha256(content))}",
    }


def piece(offset: int) -> dict[str, str]:
    """Headers of a piece of one."""
    return {"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset)}
