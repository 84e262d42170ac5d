"""One browser's worth of uploading, without the browser: hash, manifest, groups of files on four connections.

Photos are made on the way: a real JPEG of about 450 kB whose comment differs, so that each has a hash of its own.
Run as a process so that it can be killed: `python -m benchmarks.upload_client JSON`. Prints what it did as JSON.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

GROUP_FILES, MANIFEST_FILES, SENDERS = 24, 200, 4
_WIDTH, _HEIGHT = 1600, 1200
_COMMENT = b"\xff\xfe\x00\x42"
_PAUSE_SECONDS = 0.3
_PATIENCE_SECONDS = 120


@cache
def _photo() -> bytes:
    """A photo as a camera's: some structure, some noise, with the quality that makes it about 450 kB."""
    rng = np.random.default_rng(5)
    rough = Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)).resize((_WIDTH, _HEIGHT))
    grain = rng.normal(0, 9, (_HEIGHT, _WIDTH, 3))
    picture = Image.fromarray(np.clip(np.asarray(rough) + grain, 0, 255).astype(np.uint8))
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:05:12 14:05:00"
    for quality in range(40, 96):
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality, exif=exif)
        if stream.tell() >= 450_000:
            break
    return stream.getvalue()


def photo(number: int) -> bytes:
    """Photo `number`, always the same."""
    base = _photo()
    return base[:2] + _COMMENT + f"{number:064d}".encode() + base[2:]


@dataclass
class Client:
    """`cut_at`: when so many photos are sent, every open connection is broken in the middle of what it sends, once."""

    host: str
    port: int
    cookies: str
    csrf_token: str
    cut_at: int | None = None
    bodies_count: int = 0
    retries_count: int = 0
    _sent_count: int = 0
    _connections: list[http.client.HTTPConnection] = field(default_factory=list)

    def post_json(self, path: str, body: Any) -> Any:
        connection = self.connected()
        try:
            return self.until_answered(connection, path, "application/json", [json.dumps(body).encode()])
        finally:
            connection.close()

    def until_answered(
        self, connection: http.client.HTTPConnection, path: str, content_type: str, parts: Sequence[bytes]
    ) -> Any:
        """The answer's JSON; what breaks off is sent again for two minutes."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                status, text = self._once(connection, path, content_type, parts)
                if status < 500:
                    break
            except (OSError, http.client.HTTPException):
                status, text = 0, b""
            if time.monotonic() > deadline:
                raise RuntimeError(f"{path} answered {status}: {text[:300]!r}")
            self.retries_count += 1
            connection.close()
            time.sleep(_PAUSE_SECONDS)
        if status >= 400:
            raise RuntimeError(f"{path} answered {status}: {text[:300]!r}")
        return json.loads(text)

    def _once(
        self, connection: http.client.HTTPConnection, path: str, content_type: str, parts: Sequence[bytes]
    ) -> tuple[int, bytes]:
        connection.putrequest("POST", path)
        for name, value in (
            ("Content-Type", content_type),
            ("Content-Length", str(sum(map(len, parts)))),
            ("Accept", "application/json"),
            ("Cookie", self.cookies),
            ("X-CSRFToken", self.csrf_token),
        ):
            connection.putheader(name, value)
        connection.endheaders()
        for place, part in enumerate(parts):
            if self.cut_at is not None and self._sent_count >= self.cut_at and place == len(parts) // 2:
                self._cut_all()
            connection.send(part)
        answer = connection.getresponse()
        self.bodies_count += 1
        return answer.status, answer.read()

    def _cut_all(self) -> None:
        self.cut_at = None
        for connection in self._connections:
            if connection.sock is not None:
                connection.sock.shutdown(socket.SHUT_RDWR)

    def connected(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        self._connections.append(connection)
        return connection

    def upload(self, urls: dict[str, str], numbers: Sequence[int]) -> dict[str, int]:
        """Announce, ask, send what is missing, and only that. Counts by outcome."""
        outcomes: dict[str, int] = {}
        announced = [{"name": f"{number:06d}.jpg", "size_bytes": len(photo(0))} for number in numbers]
        for start in range(0, len(announced), 1000):
            self.post_json(urls["manifest"], {"announced": announced[start : start + 1000]})
        with ThreadPoolExecutor(SENDERS) as pool:
            groups = pool.map(lambda group: self._send(urls, group), self._missing(urls, numbers, outcomes))
            for rows in groups:
                for row in rows:
                    outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + 1
        return outcomes

    def _missing(self, urls: dict[str, str], numbers: Sequence[int], outcomes: dict[str, int]) -> Iterator[list[Any]]:
        for start in range(0, len(numbers), MANIFEST_FILES):
            files = [
                {"name": f"{number:06d}.jpg", "sha256": hashlib.sha256(photo(number)).hexdigest(), "number": number}
                for number in numbers[start : start + MANIFEST_FILES]
            ]
            asked = [{"name": file["name"], "sha256": file["sha256"]} for file in files]
            known = {one["name"] for one in self.post_json(urls["manifest"], {"files": asked})["known"]}
            outcomes["known"] = outcomes.get("known", 0) + len(known)
            missing = [file for file in files if file["name"] not in known]
            for at in range(0, len(missing), GROUP_FILES):
                yield missing[at : at + GROUP_FILES]

    def _send(self, urls: dict[str, str], group: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        contents = [photo(file["number"]) for file in group]
        rows = [
            {"name": file["name"], "sha256": file["sha256"], "size_bytes": len(content)}
            for file, content in zip(group, contents, strict=True)
        ]
        line = json.dumps({"files": rows}).encode() + b"\n"
        connection = self.connected()
        try:
            answer = self.until_answered(
                connection, urls["files"], "application/vnd.pixelwise.files", [line, *contents]
            )
        finally:
            connection.close()
        self._sent_count += len(group)
        return list(answer["files"])


def main() -> None:
    asked = json.loads(sys.argv[1])
    urls, count = asked.pop("urls"), asked.pop("count")
    client = Client(**asked)
    _photo()
    started, cpu_started = time.perf_counter(), time.process_time()
    outcomes = client.upload(urls, range(count))
    told = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu_started,
        "outcomes": outcomes,
        "retries": client.retries_count,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
