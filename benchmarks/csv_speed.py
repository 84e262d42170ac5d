"""How fast, how soon and in how much memory a CSV streams, against PostgreSQL's own COPY, in one run.

    .venv/bin/python -m benchmarks.csv_speed [--rows 5000000] [--data FOLDER]

Fills a database of its own (six labels, sixty sources, a year) and keeps it in FOLDER, where one is given, for the
next time. Plain COPY is `psql -c "COPY (the same columns of the same rows, in any order) TO STDOUT" > /dev/null`;
ours is `analytics.report` in a fresh process, written to /dev/null. Prints a table and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from analytics import GRAINS, Scope, report
from webapp.services import folder, postgres
from webapp.services.embedded import services_for

LABELS_COUNT = 6
SOURCES_COUNT = 60
ROUNDS = 3
_FILL = tuple(
    statement.strip()
    for statement in f"""
SET session_replication_role = replica;
INSERT INTO workspace (id, name, created_at) VALUES (1, 'Bench', now());
INSERT INTO project (id, workspace_id, name, slug, description, template, is_example, created_at, currency, audit_count)
    VALUES (1, 1, 'Bench', 'bench', '', 'blank', false, now(), 'EUR', 50);
INSERT INTO label (id, project_id, index, name, color, is_defect, severity)
    SELECT n, 1, n - 1, 'label ' || n, '#d55e00', n > 1, 1 FROM generate_series(1, {LABELS_COUNT}) AS n;
INSERT INTO source (id, project_id, site, name, kind, mm_per_pixel)
    SELECT n, 1, 'Site ' || n %% 5, 'Line ' || n, 'line', 0.1 FROM generate_series(1, {SOURCES_COUNT}) AS n;
INSERT INTO model_version (id, project_id, number, architecture, encoder, origin, folder, weights_sha256, min_region_px,
                           temperature, licence, created_at)
    VALUES (1, 1, 1, 'unet', '', 'colors', 'bench-1', repeat('0', 64), 20, 1, '', now());
INSERT INTO run (id, model_version_id, kind, state, created_at, finished_at)
    VALUES (1, 1, 'normal', 'done', now(), now());
INSERT INTO image (id, project_id, source_id, name, sha256, format, size_bytes, width_px, height_px, captured_at,
                   captured_at_from, created_at)
    SELECT n, 1, 1 + n %% {SOURCES_COUNT}, 'shift/part-' || n || '.jpg', md5(n::text) || md5((-n)::text), 'JPEG',
           1000000, 1280, 960, '2025-01-01'::timestamptz + n * interval '1 year' / %(images)s, 'exif', now()
    FROM generate_series(1, %(images)s) AS n;
INSERT INTO prediction (id, run_id, image_id, model_version_id, state, claimed_by, attempts_count, error, is_current,
                        is_shadow, verdict, min_region_px, defect_area_fraction, confidence, finished_at, project_id,
                        source_id, captured_at, mm_per_pixel)
    SELECT id, 1, id, 1, 'done', '', 1, '', true, false, CASE WHEN id %% 20 = 0 THEN 'fail' ELSE 'pass' END, 20,
           random() / 50, 0.9 + random() / 10, now(), 1, source_id, captured_at, 0.1 FROM image;
INSERT INTO measurement (prediction_id, label_id, pixels, area_fraction, region_count, largest_region_px, confidence)
    SELECT image.id, label.id, (image.id * label.id) %% 9000, random(), image.id %% 7, (image.id * label.id) %% 9000,
           random() FROM image, label
""".split(";")  # noqa: S608
)
_COMMON = """
    SELECT image.id, image.name, source.site, source.name AS source, image.captured_at, model_version.number,
           {columns}
    FROM prediction JOIN image ON image.id = prediction.image_id
    JOIN model_version ON model_version.id = prediction.model_version_id
    LEFT JOIN source ON source.id = image.source_id {joins}
    WHERE prediction.is_current AND prediction.project_id = 1"""
_PLAIN = {
    "images": _COMMON.format(
        columns="""prediction.min_region_px, image.sha256, image.captured_at_from, image.width_px, image.height_px,
            prediction.verdict, prediction.verdict = 'fail', prediction.defect_area_fraction, prediction.confidence""",
        joins="",
    ),
    "labels": _COMMON.format(
        columns="""prediction.min_region_px, label.name, label.index, label.is_defect, measurement.pixels,
            measurement.area_fraction, measurement.pixels * 0.01, measurement.region_count,
            measurement.largest_region_px, measurement.largest_region_px >= 20, measurement.confidence""",
        joins="""JOIN measurement ON measurement.prediction_id = prediction.id
            JOIN label ON label.id = measurement.label_id""",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--stream", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stream:
        stream(*given.stream)
    elif given.data:
        measure(given.data.absolute(), given.rows)
    else:
        with tempfile.TemporaryDirectory(prefix="pixelwise-bench-") as name:
            measure(Path(name), given.rows)


def measure(data: Path, rows: int) -> None:
    """Fill the database of `data` unless it is full, and compare both grains."""
    with services_for(data, purpose="a benchmark", database_url="", redis_url=""):
        host = f"host={folder.postgres_socket_folder(data)} user={postgres.USER} dbname={postgres.DATABASE}"
        environment = {**os.environ, "PIXELWISE_DATA": str(data)}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"], check=True, env=environment
        )
        fill(host, -(-rows // LABELS_COUNT))
        results = [compare(host, grain) for grain in ("labels", "images")]
    print(
        "| rows | plain COPY, s | CSV, s | ratio | first byte, s | memory above idle, MB |\n|---|---|---|---|---|---|"
    )
    for found in results:
        print(
            f"| {found['rows']:,} {found['grain']} | {found['plain_seconds']:.1f} | {found['csv_seconds']:.1f} "
            f"| {found['ratio']:.2f} | {found['first_byte_seconds']:.2f} | {found['memory_mb']:.0f} |"
        )
    print(json.dumps(results))


def fill(host: str, images: int) -> None:
    """Six measurements for each of `images` images of one project."""
    with psycopg.connect(host, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM image").fetchone()
        if row == (images,):
            return
        if row != (0,):
            raise SystemExit(f"Expected an empty database or {images:,} images, found {row}. Choose another --data.")
        with connection.transaction():
            for statement in _FILL:
                connection.execute(statement, {"images": images})
        connection.execute("VACUUM ANALYZE")


def compare(host: str, grain: str) -> dict[str, Any]:
    """Medians of turns, plain COPY and ours one after the other."""
    plain, ours = [], []
    for _ in range(ROUNDS):
        plain.append(_plain_seconds(host, grain))
        command = [sys.executable, "-m", "benchmarks.csv_speed", "--stream", host, grain]
        ours.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    csv_seconds = median(one["seconds"] for one in ours)
    return {
        "benchmark": "csv_speed",
        "grain": grain,
        "rows": ours[0]["rows"],
        "plain_seconds": median(plain),
        "csv_seconds": csv_seconds,
        "ratio": median(one["seconds"] / alone for one, alone in zip(ours, plain, strict=True)),
        "first_byte_seconds": max(one["first_byte_seconds"] for one in ours),
        "memory_mb": max(one["memory_mb"] for one in ours),
    }


def stream(host: str, grain: str) -> None:
    """Write one CSV to /dev/null and say how it went."""
    known = next(one for one in GRAINS if one == grain)
    with psycopg.connect(host, autocommit=True) as connection, open("/dev/null", "wb", buffering=0) as nowhere:  # noqa: PTH123
        idle_mb = _memory_mb("VmRSS")
        began, first, lines = time.perf_counter(), 0.0, 0
        for chunk in report(connection.cursor(), Scope(project_id=1, time_zone="Europe/Berlin"), known):
            first = first or time.perf_counter() - began
            nowhere.write(chunk)
            lines += chunk.count(b"\n")
        seconds = time.perf_counter() - began
    found = {"seconds": seconds, "first_byte_seconds": first, "rows": lines - 1}
    print(json.dumps(found | {"memory_mb": _memory_mb("VmHWM") - idle_mb}))


def _plain_seconds(host: str, grain: str) -> float:
    command = [str(postgres.binaries() / "psql"), host, "--quiet", "--command", f"COPY ({_PLAIN[grain]}) TO STDOUT"]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _memory_mb(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
