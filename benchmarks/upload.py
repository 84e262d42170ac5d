"""Photos a second from a client's memory to durable storage, and whether anything is lost when it all breaks off.

    .venv/bin/python -m benchmarks.upload [--photos N] [--broken N] [--seed N]

Starts a database and a queue as `make run` does, and the web server by the same command and configuration; no
workers, which would share the cores with it. Then:

1. floor: a tenth of the photos, one a request on four connections, to a WSGI application that only streams to a
   file, hashes and flushes, under the same gunicorn configuration;
2. upload: N photos by the upload page's requests (manifest, groups of files), from a client in one process that makes
   and hashes them; each is streamed, hashed, its header checked, flushed to disk, linked. Beside the rate stands the
   CPU time of client, web server and database together, and how much of the cores other programs took meanwhile;
3. broken: N more photos, while at random moments the connections are cut, the client is killed and started anew, and
   the web server is killed and started anew. Afterwards every photo must be there once, by its hash, whole.

All in a folder that is thrown away. Prints a table and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.cpu_time import CpuTime
from benchmarks.own_services import own_services
from benchmarks.upload_client import SENDERS, Client, photo
from benchmarks.web_server import free_port, kill, served, started
from webapp.services.processes import ROOT


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--broken", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311
    asked = parser.parse_args()
    port = free_port()
    with own_services(web_port=port) as folder:
        _print(_measured(folder, port, asked.photos, asked.broken, asked.seed))


def _measured(folder: Path, port: int, photos: int, broken: int, seed: int) -> dict[str, Any]:
    # Its tables need a Django that is set up.
    plant = import_module("benchmarks.upload_plant").Plant(port)
    floor_count = max(SENDERS, photos // 10)
    with served("benchmarks.upload_floor", port):
        floor = _floor(plant.client(), floor_count)
    shutil.rmtree(folder / "floor")
    with served("webapp.wsgi", port) as server, CpuTime(folder, server.pid) as cpu:
        told = _finished(_start(plant, plant.open("speed"), photos))
    rate = photos / told["seconds"]
    cpu_seconds = cpu.seconds + told["cpu_seconds"]
    plant.require_each_once(photos)
    plant.forget()
    found = {
        "benchmark": "upload",
        "photos": photos,
        "photo_bytes": len(photo(0)),
        "images_per_second": round(rate, 1),
        "megabytes_per_second": round(rate * len(photo(0)) / 1e6, 1),
        "floor_images_per_second": round(floor, 1),
        "upload_of_floor": round(rate / floor, 2),
        "cpu_ms_per_image": round(1000 * cpu_seconds / photos, 2),
        "cpu_ms_per_image_of_client": round(1000 * told["cpu_seconds"] / photos, 2),
        "cores_taken_by_others": round(cpu.cores_of_others(cpu_seconds), 2),
    }
    if broken:
        found |= _broken(plant, port, broken, seed)
    return found


def _floor(client: Client, count: int) -> float:
    contents = [photo(number) for number in range(count)]

    def send(mine: Sequence[bytes]) -> None:
        for content in mine:
            connection = client.connected()
            answer = client.until_answered(connection, "/", "image/jpeg", [content])
            connection.close()
            if answer["sha256"] != hashlib.sha256(content).hexdigest():
                raise RuntimeError("the floor's server hashed something else")

    started = time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, (contents[place::SENDERS] for place in range(SENDERS))))
    return count / (time.perf_counter() - started)


def _broken(plant: Any, port: int, count: int, seed: int) -> dict[str, Any]:
    """Cut the connections, kill the client, kill the server, each once, when a random share has arrived."""
    rng = random.Random(seed)  # noqa: S311
    urls = plant.open("broken")
    moments = sorted(rng.uniform(0.1, 0.9) * count for _ in range(3))
    server = started("webapp.wsgi", port)
    try:
        client = _start(plant, urls, count, cut_at=int(moments[0]))
        plant.wait_until(moments[1])
        client.kill()
        client.wait()
        client = _start(plant, urls, count)
        plant.wait_until(moments[2])
        kill(server)
        server = started("webapp.wsgi", port)
        told = _finished(client)
    finally:
        kill(server)
    lost, twice = plant.lost_and_twice(count)
    return {
        "broken_photos": count,
        "seed": seed,
        "interruptions": ["connections cut", "client killed", "server killed"],
        "known_when_continued": told["outcomes"].get("known", 0),
        "requests_repeated": told["retries"],
        "lost": lost,
        "twice": twice,
    }


def _start(plant: Any, urls: dict[str, str], count: int, cut_at: int | None = None) -> subprocess.Popen[str]:
    client = plant.client()
    asked = {
        "host": client.host,
        "port": client.port,
        "cookies": client.cookies,
        "csrf_token": client.csrf_token,
        "cut_at": cut_at,
        "urls": urls,
        "count": count,
    }
    command = [sys.executable, "-m", "benchmarks.upload_client", json.dumps(asked)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _finished(client: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = client.communicate()
    if client.returncode != 0:
        raise RuntimeError(f"the client ended with {client.returncode}")
    told: dict[str, Any] = json.loads(output.splitlines()[-1])
    return told


def _print(found: dict[str, Any]) -> None:
    print("| way | images/s | of the floor |\n|---|---|---|")
    print(f"| stream, hash, flush (floor) | {found['floor_images_per_second']:,.0f} | 1.00 |")
    print(f"| upload | {found['images_per_second']:,.0f} | {found['upload_of_floor']:.2f} |")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
