"""Fifty people reading dashboards and five uploading while a run goes on; writes the section of docs/performance.md.

    .venv/bin/python -m benchmarks.load [--seconds 180] [--images 50000] [--data FOLDER] [--dry]

Pixelwise is started as `make run` does, in FOLDER (kept and used again) or a temporary one, and asked on 127.0.0.1
only. One project has 50,000 inspected images (`fill_ledger`); people read its dashboards. In a second project drawn
photos are segmented by the starter model all the while, and the uploads go there.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.load_installation import PHOTOS_AT_ONCE, READERS, SETTLE_SECONDS, UPLOADERS, Installation

ROOT = Path(__file__).resolve().parents[1]
PAGE_FILE = ROOT / "docs" / "performance.md"
BAR_MS = 1000


@dataclass(frozen=True)
class Answered:
    """All answers to one kind of question; milliseconds."""

    name: str
    times: list[float]

    @property
    def p95(self) -> float:
        return float(np.percentile(self.times, 95))

    @property
    def row(self) -> str:
        middle, most = statistics.median(self.times), max(self.times)
        return f"| {self.name} | {len(self.times):,} | {middle:,.0f} | {self.p95:,.0f} | {most:,.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=180, help="of load, after everybody has signed in")
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--data", type=Path, help="a data folder of the benchmark's own")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    parser.add_argument("--prepare", action="store_true", help="only fill the data folder")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pixelwise-load-") as scratch:
        installation = Installation(asked.data or Path(scratch) / "data")
        if not installation.is_filled:
            installation.fill(asked.images)
        if asked.prepare:
            return
        with installation.running():
            plan = installation.plan(Path(scratch))
            already, begun = installation.segmented_count(), time.monotonic()
            answers = _answers(plan, Path(scratch), asked.seconds)
            rate = (installation.segmented_count() - already) / (time.monotonic() - begun)
    section = _section(answers, asked.images, asked.seconds, rate)
    print(section)
    if not asked.dry:
        _write(section)


def _answers(plan: dict[str, Any], scratch: Path, seconds: int) -> list[Any]:
    """Let everybody in, one a second, and load it: (kind, what, milliseconds, error) of every answer."""
    path = scratch / "plan.json"
    path.write_text(json.dumps(plan))
    people = READERS + UPLOADERS
    command = [
        *(sys.executable, "-m", "locust", "-f", str(ROOT / "benchmarks" / "load_people.py"), "--headless"),
        *("--users", str(people), "--spawn-rate", "1", "--host", plan["host"], "--only-summary"),
        *("--run-time", f"{seconds + people + SETTLE_SECONDS}s", "--stop-timeout", "20", "--exit-code-on-error", "0"),
    ]
    environment = os.environ | {"PIXELWISE_LOAD_PLAN": str(path), "PYTHONPATH": str(ROOT)}
    subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    answers: list[Any] = json.loads(Path(plan["answers"]).read_text())
    return answers


def _section(answers: list[Any], images: int, seconds: int, rate: float) -> str:
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    errors = [answer for answer in answers if answer[3]]
    for kind, what, milliseconds, _ in answers:
        found[kind][what].append(milliseconds)
    pages = [Answered(name, times) for name, times in sorted(found["page"].items())]
    every = Answered("all pages", [value for page in pages for value in page.times])
    uploads = [Answered(name, times) for name, times in found["upload"].items()]
    is_reached = every.p95 <= BAR_MS and not errors
    words = (
        f"`make bench-load`: {READERS} people read the dashboards of {images:,} images (60 sources, 6 labels, a year), "
        f"each for 5 to 15 seconds a page, and {UPLOADERS} upload {PHOTOS_AT_ONCE} photos of 450 kB at a time and "
        f"watch their batch; {seconds} seconds through the web server as `make run` starts it, while a run goes on. "
        "Locust, PostgreSQL, Redis, web server and workers share two cores. "
        f"Errors: {len(errors)}{f', the first: {errors[0]}' if errors else ''}. "
        f"Bar: no error and p95 of all pages at most {BAR_MS:,} ms: {'reached' if is_reached else 'missed'}. "
        f"Meanwhile {rate:.1f} images a second were segmented; load average at the end {os.getloadavg()[0]:.1f}."
    )
    lines = [
        *textwrap.wrap(words, 138, break_on_hyphens=False),
        "",
        "| answers to | number | median, ms | p95, ms | longest, ms |",
        "|---|---|---|---|---|",
        *(one.row for one in [every, *pages, *uploads]),
    ]
    return "\n".join(lines) + "\n"


def _write(section: str) -> None:
    """Put the section into the page, in place of the last one."""
    text = PAGE_FILE.read_text(encoding="utf-8")
    before, _, rest = text.partition("## Load\n")
    following = rest.partition("\n## ")[2]
    after = f"\n## {following}" if following else ""
    PAGE_FILE.write_text(f"{before.rstrip()}\n\n## Load\n\n{section}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
