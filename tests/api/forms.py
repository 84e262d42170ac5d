"""multipart/form-data as other programs write it, sub-folders in file names and all."""

from __future__ import annotations

from collections.abc import Iterable

BOUNDARY = "part-of-a-form"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def form(
    files: Iterable[tuple[str, bytes]] = (),
    fields: Iterable[tuple[str, str]] = (),
    *,
    file_field: str = "files",
) -> bytes:
    """A whole form: fields first, then the files under one repeated field."""
    parts = [_part(f'name="{name}"', value.encode()) for name, value in fields]
    parts += [_part(f'name="{file_field}"; filename="{name}"', content) for name, content in files]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _part(disposition: str, content: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + content + b"\r\n"
