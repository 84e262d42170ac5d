"""The section of docs/performance.md that `benchmarks.dashboard` writes."""

from __future__ import annotations

import os
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
HEADING = "## Dashboards"
_LABELS = 6
_BAR_MS = 100
_BILLION = 1_000_000_000
_TABLES = ("image", "prediction", "measurement", "region", "batch_image")


@dataclass(frozen=True)
class Filtered:
    """Database milliseconds of one page under one filter, and of that the processor's."""

    name: str
    times: Sequence[float]
    worked: Sequence[float]


@dataclass(frozen=True)
class Size:
    """What was measured with so many images; all times in milliseconds. `table_bytes`: table → rows, bytes.

    `load`: programs that wanted a core, on average over the last five minutes.
    """

    images: int
    pages: Mapping[str, Sequence[Filtered]]
    alone: Sequence[float]
    four: Sequence[float]
    grid: Mapping[str, float]
    from_rows: float
    from_rollups: float
    table_bytes: Mapping[str, tuple[int, int]]
    load: float


def write_section(sizes: Sequence[Size]) -> None:
    """Put the section in place of the earlier one, or at the end."""
    text = PAGE.read_text(encoding="utf-8")
    section = section_of(sizes)
    if re.search(rf"^{HEADING}$", text, re.MULTILINE):
        text = re.sub(rf"^{HEADING}\n.*?(?=^## |\Z)", lambda _: section + "\n", text, flags=re.MULTILINE | re.DOTALL)
    else:
        text = text.rstrip() + "\n\n" + section
    PAGE.write_text(text.rstrip() + "\n", encoding="utf-8")


def section_of(sizes: Sequence[Size]) -> str:
    """Markdown: growth, the largest size by page and filter, image pages, and a billion rows on paper."""
    largest = sizes[-1]
    return "\n".join(
        [
            HEADING,
            "",
            "`make bench-dashboard`: `fill_ledger` with 6 labels, 60 sources, 365 days; database time is the sum over "
            "a page's statements, as the client waits for them, after one to warm up. Eight pages, each with twelve "
            "filters (none, 7, 30, 92, 365 days, source, label, model version, batch, hour, 60 days by the hour, two "
            "sources compared). Last byte: through the web server, no filter and 92 days.",
            "",
            f"Load average meanwhile {largest.load:.1f} on {os.cpu_count()} cores"
            + (": other programs wanted the same cores." if largest.load > (os.cpu_count() or 1) else "."),
            "",
            "| measurement rows | database, median ms | database, p95 ms | its processor, p95 ms "
            "| last byte, 1 client, p95 ms | last byte, 4 clients, p95 ms "
            "| defect rate of 92 days from rows, ms | from roll-ups, ms | ratio |",
            "|---|---|---|---|---|---|---|---|---|",
            *(_growth(size) for size in sizes),
            "",
            f"Database time by page and filter with {largest.images * _LABELS:,} measurement rows, medians in ms:",
            "",
            *_by_page(largest),
            "",
            _missed(largest),
            "",
            "Pages of images, medians in ms:",
            "",
            "| pictures | " + " | ".join(f"{size.images * _LABELS:,} rows" for size in sizes) + " |",
            "|---" * (len(sizes) + 1) + "|",
            *(f"| {name} | " + " | ".join(f"{size.grid[name]:.0f}" for size in sizes) + " |" for name in largest.grid),
            "",
            *_on_paper(largest),
            "",
        ]
    )


def _growth(size: Size) -> str:
    times = [time for page in size.pages.values() for one in page for time in one.times]
    worked = [time for page in size.pages.values() for one in page for time in one.worked]
    return (
        f"| {size.images * _LABELS:,} | {statistics.median(times):.0f} | {_p95(times):.0f} | {_p95(worked):.0f} "
        f"| {_p95(size.alone):.0f} "
        f"| {_p95(size.four):.0f} | {size.from_rows:.0f} | {size.from_rollups:.1f} "
        f"| {size.from_rows / size.from_rollups:.0f} |"
    )


def _by_page(size: Size) -> Iterable[str]:
    filters = [one.name for one in next(iter(size.pages.values()))]
    yield "| page | " + " | ".join(filters) + " |"
    yield "|---" * (len(filters) + 1) + "|"
    for page, found in size.pages.items():
        cells = " | ".join(f"{statistics.median(one.times):.0f}" for one in found)
        yield f"| {page.removeprefix('-') or 'overview'} | {cells} |"


def _missed(size: Size) -> str:
    """Which pages take longer in the database than they may, in one sentence."""
    every = {
        f"{page.removeprefix('-') or 'overview'} ({one.name})": statistics.median(one.times)
        for page, found in size.pages.items()
        for one in found
    }
    slow = sorted((time, name) for name, time in every.items() if time > _BAR_MS)
    if not slow:
        return f"None of the {len(every)} is above the bar of {_BAR_MS} ms."
    worst = ", ".join(f"{name} {time:.0f}" for time, name in reversed(slow[-5:]))
    return f"Above the bar of {_BAR_MS} ms: {len(slow)} of {len(every)}; the slowest: {worst}."


def _on_paper(size: Size) -> Iterable[str]:
    each = {name: size.table_bytes[name] for name in _TABLES if name in size.table_bytes}
    yield "### A billion measurement rows, on paper"
    yield ""
    yield "Bytes a row with indexes, as measured over all sizes of this run, and what they come to:"
    yield ""
    yield "| table | bytes a row | rows | GB |"
    yield "|---|---|---|---|"
    images, total = _BILLION / _LABELS, 0.0
    for name, (rows, size_bytes) in each.items():
        expected = rows / max(1, each["image"][0]) * images
        gigabytes = expected * size_bytes / rows / 1e9
        total += gigabytes
        yield f"| {name} | {size_bytes / rows:.0f} | {expected / 1e6:,.0f} M | {gigabytes:,.0f} |"
    yield f"| together | | | {total:,.0f} |"
    yield ""
    yield (
        "The roll-ups do not grow with images, but with sources × labels × time: what reads them stays where it is. "
        "First to break is what still reads rows: pages of images under a condition that no index holds, ledger "
        "queries of BI tools, and rebuilding the roll-ups. Then maintenance: vacuum and index builds of a table of "
        "this size take hours, and its indexes no longer fit into memory, so that writing slows down. The cure is "
        "`prediction`, `measurement` and `region` partitioned by month of capture (`captured_at` repeated in all "
        "three and part of their keys): each partition then has the size of what was measured here or less, a scope "
        "of days touches few of them, and old months can be moved to cheaper disks. Second to break is the hourly "
        "roll-up per label, with as many rows as hours × sources × labels; older than a quarter it can be dropped, as "
        "days answer all but single hours."
    )


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]
