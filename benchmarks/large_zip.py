"""A ZIP of 20 GB: sent in pieces, unpacked as a worker does it; seconds, memory, and whether all of it is there.

    .venv/bin/python -m benchmarks.large_zip [--gigabytes N] [--temporary FOLDER]

The ZIP holds different JPEGs of 450 kB, not packed further. The client makes it twice as it goes, once for its hash and
once to send it in pieces of 64 MB, so that it lies nowhere but on the server: which takes twice its size on disk, in a
folder that is thrown away. The web server is the one of `make run`; a process of its own does what a worker's task
does. Memory is the peak of each process above what it had before. Every photo is compared by its hash at the end.
Prints a table and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import io
import json
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import django

from benchmarks.own_services import own_services
from benchmarks.upload_client import Client, photo
from benchmarks.web_server import free_port, served
from webapp.services.processes import ROOT

PIECE_BYTES = 64 * 1024 * 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=20)
    parser.add_argument("--temporary", type=Path, help="where there is room for twice as much")
    parser.add_argument("--unpack", type=int, metavar="ARCHIVE", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.unpack is not None:
        print(json.dumps(_unpacked(asked.unpack)))
        return
    port = free_port()
    with own_services(web_port=port, inside=asked.temporary):
        _print(_measured(port, round(asked.gigabytes * 1e9 / len(photo(0)))))


def _measured(port: int, photos: int) -> dict[str, Any]:
    plant = import_module("benchmarks.upload_plant").Plant(port)
    urls = plant.open("a large ZIP")
    digest, size_bytes = hashlib.sha256(), 0
    for piece in _pieces(photos):
        digest.update(piece)
        size_bytes += len(piece)
    with served("webapp.wsgi", port) as server:
        before = _peaks(server.pid)
        started = time.perf_counter()
        _send(plant.client(), urls["uploads"], digest.hexdigest(), size_bytes, _pieces(photos))
        sending = time.perf_counter() - started
        web = max(peak - before.get(pid, 0) for pid, peak in _peaks(server.pid).items())
    archive_id = import_module("webapp.models").Archive.objects.get().pk
    command = [sys.executable, "-m", "benchmarks.large_zip", "--unpack", str(archive_id)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    worker = json.loads(done.stdout.splitlines()[-1])
    plant.require_each_once(photos)
    return {
        "benchmark": "large_zip",
        "photos": photos,
        "gigabytes": round(size_bytes / 1e9, 2),
        "sending_seconds": round(sending, 1),
        "sending_megabytes_per_second": round(size_bytes / 1e6 / sending, 1),
        "web_megabytes_above_idle": round(web / 1024),
        "unpacking_seconds": round(worker["seconds"], 1),
        "unpacking_images_per_second": round(photos / worker["seconds"], 1),
        "worker_megabytes_above_idle": round(worker["kilobytes"] / 1024),
    }


def _send(client: Client, address: str, sha256: str, size_bytes: int, pieces: Iterator[bytes]) -> None:
    """By tus: create, then append every piece; see `webapp.tus`."""
    connection = http.client.HTTPConnection(client.host, client.port, timeout=600)
    told = ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}"
        for key, value in (("filename", "flight.zip"), ("sha256", sha256))
    )
    headers = {"Cookie": client.cookies, "X-CSRFToken": client.csrf_token, "Tus-Resumable": "1.0.0"}
    created = headers | {"Upload-Length": str(size_bytes), "Upload-Metadata": told}
    connection.request("POST", address, headers=created)
    answer = connection.getresponse()
    place = answer.getheader("Location", "")
    _require(answer, 201)
    offset_bytes = 0
    for piece in pieces:
        appended = headers | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset_bytes)}
        connection.request("PATCH", place, body=piece, headers=appended)
        _require(connection.getresponse(), 204)
        offset_bytes += len(piece)
    connection.close()


def _require(answer: http.client.HTTPResponse, status: int) -> None:
    text = answer.read()
    if answer.status != status:
        raise RuntimeError(f"expected {status}, got {answer.status}: {text[:300]!r}")


class _Piecewise(io.RawIOBase):
    """What is written, until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.held += data
        return len(data)

    def taken(self, count: int) -> bytes:
        piece = bytes(memoryview(self.held)[:count])
        del self.held[:count]
        return piece


def _pieces(photos: int) -> Iterator[bytes]:
    """The ZIP, always the same, in pieces."""
    sink = _Piecewise()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as packed:
        for number in range(photos):
            packed.writestr(zipfile.ZipInfo(f"strip-{number // 1000:03d}/{number:06d}.jpg"), photo(number))
            while len(sink.held) >= PIECE_BYTES:
                yield sink.taken(PIECE_BYTES)
    while sink.held:
        yield sink.taken(PIECE_BYTES)


def _peaks(leader: int) -> dict[int, int]:
    """Kilobytes that each process of the group has had at most. Linux only."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            group = int((folder / "stat").read_text().rpartition(")")[2].split()[2])
            lines = (folder / "status").read_text().splitlines()
        except OSError:
            continue
        if group == leader:
            found[int(folder.name)] = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return found


def _unpacked(archive_id: int) -> dict[str, float]:
    django.setup()
    unpack = import_module("webapp.pipeline.unpack").unpack
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    unpack(archive_id)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before}


def _print(found: dict[str, Any]) -> None:
    print("| step | seconds | a second | memory above idle, MB |\n|---|---|---|---|")
    rate, images = found["sending_megabytes_per_second"], found["unpacking_images_per_second"]
    print(
        f"| send and store in pieces | {found['sending_seconds']} | {rate} MB | {found['web_megabytes_above_idle']} |"
    )
    print(f"| unpack | {found['unpacking_seconds']} | {images} images | {found['worker_megabytes_above_idle']} |")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
