"""The PDF summary: A4, tiles with intervals, trend, Pareto, sources, the worst images, and how it was counted."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from zoneinfo import ZoneInfo

import matplotlib
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from PIL import Image

from analytics import image_rows
from analytics.dashboard import Dashboard, Rate
from analytics.images import ImageRow
from analytics.report_charts import pareto_chart, sources_chart, trend_chart
from analytics.statistics import MIN_IMAGES_COUNT
from analytics.wording import count, counted, percent, percent_range, points, points_range
from segmentation import __version__
from webapp import storage
from webapp.pipeline.report_writers.content import Content, rule_words

WORST_IMAGES = 12
# It tells every glyph that it keeps.
logging.getLogger("fontTools").setLevel(logging.WARNING)

_FONT = "DejaVu"
_LEFT, _WIDTH, _BOTTOM = 16.0, 178.0, 281.0
_TEXT, _MUTED, _LINE, _ACCENT = (19, 26, 33), (82, 96, 109), (214, 221, 228), (213, 94, 0)
_COLUMNS = 4
_THUMB = (42.5, 32.0)


def write_printed(path: Path, content: Content) -> None:
    """Write the summary of the scope. Images whose files are gone are left out and said."""
    page = _Paper(content)
    page.add_page()
    page.head()
    if not content.dashboard.summary.inspected_count:
        page.paragraph("No inspected image fits this scope.", size=11)
    else:
        page.tiles(tiles(content.dashboard))
        page.charts()
        page.worst()
    page.method()
    page.output(str(path))


def tiles(dashboard: Dashboard) -> list[tuple[str, str, str]]:
    """(name, number, what belongs to it) of the tiles on the first page."""
    summary, rate = dashboard.summary, dashboard.rate
    first_pass = Rate.of(summary.first_pass_count, summary.inspected_count)
    too_few = f"; fewer than {MIN_IMAGES_COUNT}: too few to say" if rate.is_too_few else ""
    name = f"Images with {dashboard.label.name}" if dashboard.label else "Defect rate"
    interval = f"95% interval {percent_range(rate.interval)}"
    return [
        ("Images inspected", count(summary.inspected_count), f"{count(summary.defective_count)} of them defective"),
        (name, percent(rate.fraction or 0.0), f"{interval}, n = {count(rate.n)}{too_few}"),
        ("Against the period before", *_change(dashboard)),
        (
            "First-pass yield",
            percent(first_pass.fraction or 0.0),
            f"95% interval {percent_range(first_pass.interval)}, n = {count(first_pass.n)}",
        ),
        ("Waiting for a person", count(summary.waiting_count), "failed by the model, judged by nobody yet"),
        (
            "Area of defects",
            percent(dashboard.defect_area_fraction or 0.0),
            f"{count(dashboard.defect_pixels)} of {count(summary.pixels)} px",
        ),
    ]


def _change(dashboard: Dashboard) -> tuple[str, str]:
    change = dashboard.change
    if change is None:
        return "–", "choose a first and a last day to compare"
    if change.difference is None or change.direction in ("too few", "nothing before"):
        return "–", f"{counted(change.before.n, 'image')} before: too few to say"
    words = {"up": "higher", "down": "lower"}.get(change.direction, "no clear change")
    interval = f"95% interval {points_range(change.interval)}, n = {count(change.before.n)} before"
    return f"{points(change.difference)} points", f"{words}; {interval}"


class _Paper(FPDF):
    def __init__(self, content: Content) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        self.add_font(_FONT, "", fonts / "DejaVuSans.ttf")
        self.add_font(_FONT, "B", fonts / "DejaVuSans-Bold.ttf")
        self.content = content
        self.set_margins(_LEFT, 16, 16)
        self.set_auto_page_break(True, margin=16)
        self.set_title(f"{content.project.name}: {content.words}")
        self.set_lang("en-GB")
        self.set_creation_date(content.written_at)

    def footer(self) -> None:
        self.set_y(-12)
        self._write(f"{self.content.project.name} · {self.content.words}"[:110], 7, _MUTED, width=150)
        self.set_xy(_LEFT, -12)
        self._write(f"Page {self.page_no()}", 7, _MUTED, align="R")

    def head(self) -> None:
        written = self.content.written_at.astimezone(ZoneInfo(self.content.scope.time_zone))
        self.set_fill_color(*_ACCENT)
        self.rect(_LEFT, 16, 2, 17, style="F")
        self.set_xy(_LEFT + 5, 15.5)
        self.set_font(_FONT, "B", 17)
        self.set_text_color(*_TEXT)
        self.cell(_WIDTH - 5, 8, self._fitting(self.content.project.name, _WIDTH - 6, 17, "B"))
        self.set_xy(_LEFT + 5, 24)
        self._write(f"Inspection summary · {self.content.words}", 9.5, _TEXT, width=_WIDTH - 5)
        self.set_x(_LEFT + 5)
        zone = self.content.scope.time_zone
        self._write(
            f"Written {written:%-d %B %Y, %H:%M} ({zone}) by Pixelwise {__version__}", 8, _MUTED, width=_WIDTH - 5
        )
        self.ln(5)

    def tiles(self, shown: list[tuple[str, str, str]]) -> None:
        width, height, gap = (_WIDTH - 2 * 3) / 3, 25.0, 3.0
        top = self.get_y()
        self.set_draw_color(*_LINE)
        for place, (name, number, note) in enumerate(shown):
            x, y = _LEFT + (place % 3) * (width + gap), top + (place // 3) * (height + gap)
            self.rect(x, y, width, height, style="D", round_corners=True, corner_radius=2)
            self.set_xy(x + 3, y + 2.5)
            self._write(self._fitting(name, width - 8, 7.5), 7.5, _MUTED, width=width - 6)
            self.set_xy(x + 3, y + 7)
            self._write(number, 15, _TEXT, width=width - 6, style="B", line=7)
            self.set_xy(x + 3, y + 15)
            self._write(note, 6.8, _MUTED, width=width - 6, line=3.2)
        self.set_xy(_LEFT, top + 2 * (height + gap) + 2)

    def charts(self) -> None:
        dashboard = self.content.dashboard
        subject = f"Images with {dashboard.label.name}" if dashboard.label else "Defect rate"
        self._chart(
            f"{subject} by {dashboard.unit}, with 95% intervals; dotted: all of them together",
            trend_chart(dashboard, width_mm=_WIDTH, height_mm=66),
            66,
        )
        if any(label.affected_count for label in dashboard.labels if label.is_defect):
            self._chart(
                "Defects by images affected (Pareto)", pareto_chart(dashboard, width_mm=_WIDTH, height_mm=58), 58
            )
        if [source.source_id for source in dashboard.sources] != [None]:
            height = 18 + 5.5 * min(len(dashboard.sources), 12)
            self._chart(
                f"{subject} by source, with 95% intervals; surest high rates first",
                sources_chart(dashboard, width_mm=_WIDTH, height_mm=height),
                height,
            )

    def worst(self) -> None:
        found = image_rows(self.content.cursor, self.content.scope, verdict="fail", limit=WORST_IMAGES).items
        if not found:
            return
        width, height = _THUMB
        self._room(height + 22)
        self.heading(f"The {counted(len(found), 'worst image')}, what the model found laid over")
        for place, row in enumerate(found):
            if place % _COLUMNS == 0:
                self._room(height + 12)
                top = self.get_y()
            x = _LEFT + (place % _COLUMNS) * (width + 2.6)
            self._evidence(row, x, top)
            if place % _COLUMNS == _COLUMNS - 1 or place == len(found) - 1:
                self.set_xy(_LEFT, top + height + 11)

    def method(self) -> None:
        self._room(52)
        self.heading("How it was counted")
        scope = self.content.scope
        versions = "; ".join(f"{one} ({one.image_count:,})" for one in self.content.versions) or "none"
        for text in (
            f"Scope: {self.content.words}. Time zone {scope.time_zone}; days begin at midnight there. "
            f"As query: {scope.query(bucket='auto') or '(everything)'}.",
            "An image counts once, by its newest result or by the model chosen in the scope. "
            "Where a person judged an image, that word counts; the model's own verdict is kept beside it.",
            f"{rule_words(self.content.project)}.",
            f"Model versions and the images they judged: {versions}.",
            "Rates: Wilson's score interval (1927), 95%. Differences: Newcombe's hybrid score interval (1998), 95%. "
            f"Below {MIN_IMAGES_COUNT} images a rate is drawn hollow: too few to say.",
            "The intervals say how far chance alone may move a rate; they do not contain the model's own errors. "
            "What those are, a blind audit of passed images tells.",
        ):
            self.paragraph(text)

    def heading(self, text: str) -> None:
        self._write(text, 10.5, _TEXT, style="B", line=6)
        self.ln(1)

    def paragraph(self, text: str, size: float = 8) -> None:
        self._write(text, size, _TEXT, line=size * 0.5)
        self.ln(1.2)

    def _chart(self, title: str, png: bytes, height: float) -> None:
        self._room(height + 8)
        self.heading(title)
        self.image(io.BytesIO(png), x=_LEFT, y=self.get_y(), w=_WIDTH, alt_text=title)
        self.set_y(self.get_y() + height + 3)

    def _evidence(self, row: ImageRow, x: float, top: float) -> None:
        width, height = _THUMB
        self.set_fill_color(238, 242, 245)
        self.rect(x, top, width, height, style="F")
        try:
            with Image.open(storage.fetch(storage.overlay_path(row.prediction_id))) as opened:
                picture = opened.convert("RGB")
            self.image(picture, x, top, width, height, keep_aspect_ratio=True, alt_text=row.name)
        except OSError:
            self.set_xy(x, top + height / 2 - 2)
            self._write("the image is not on disk", 6.5, _MUTED, width=width, align="C")
        self.set_xy(x, top + height + 0.8)
        self._write(self._fitting(row.name, width - 2, 6.5), 6.5, _TEXT, width=width, line=3)
        self.set_xy(x, top + height + 3.8)
        when = row.captured_at.astimezone(ZoneInfo(self.content.scope.time_zone))
        self._write(f"{percent(row.defect_area_fraction)} defects · {when:%-d %b %Y, %H:%M}", 6, _MUTED, width=width)

    def _room(self, height: float) -> None:
        if self.get_y() + height > _BOTTOM:
            self.add_page()

    def _fitting(self, text: str, width: float, size: float, style: str = "") -> str:
        """The text, cut to what fits on one line."""
        self.set_font(_FONT, style, size)
        while text and self.get_string_width(text) > width:
            text = text[:-2].rstrip("…") + "…" if len(text) > 2 else ""
        return text

    def _write(
        self,
        text: str,
        size: float,
        color: tuple[int, int, int],
        *,
        width: float = _WIDTH,
        style: str = "",
        align: str = "L",
        line: float = 4,
    ) -> None:
        self.set_font(_FONT, style, size)
        self.set_text_color(*color)
        self.multi_cell(width, line, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
