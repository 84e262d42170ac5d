"""Excel workbooks in constant memory: about, the rows, and what every column means."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

from analytics import Grain
from analytics.report_columns import Column
from analytics.reports import COLUMNS, report_rows
from webapp import storage
from webapp.pipeline.report_writers.content import Content, Progress, RowCount

MOST_ROWS = 1_048_576
"""Rows of one sheet, its header included; more go on in another sheet. The limit is the file format's."""

SHEETS: dict[Grain, str] = {"images": "Images", "labels": "Labels", "regions": "Regions", "daily": "Days"}
_FIRST_YEAR = 1900
_WIDTHS = {"name": 28, "word": 14, "time": 20, "day": 12}


def write_spreadsheet(
    path: Path, content: Content, grains: tuple[Grain, ...], progress: Progress, *, most_rows: int = MOST_ROWS
) -> dict[Grain, int]:
    """Write the workbook and return the rows of each grain.

    Text is text: nothing is taken for a formula, a link or a number. Times are real dates, by the clocks of the
    scope's time zone.
    """
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "tmpdir": str(storage.temporary_folder()),
    }
    book = xlsxwriter.Workbook(str(path), options)
    book.use_zip64()
    writer = _Book(book, content, most_rows)
    about = book.add_worksheet("About")
    tally = RowCount(content, grains, progress)
    counts = {grain: writer.rows(grain, tally) for grain in grains}
    writer.dictionary(grains)
    writer.about(about, counts)
    book.close()
    return counts


class _Book:
    def __init__(self, book: Any, content: Content, most_rows: int) -> None:
        self._book = book
        self._content = content
        self._most_rows = most_rows
        self._zone = ZoneInfo(content.scope.time_zone)
        self._head = book.add_format({"bold": True, "bottom": 1})
        self._formats = {
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        self._wrapped = book.add_format({"text_wrap": True, "valign": "top"})

    def rows(self, grain: Grain, tally: RowCount) -> int:
        columns = COLUMNS[grain]
        sheets = self._sheets(SHEETS[grain], columns)
        sheet, place, count = next(sheets), 1, 0
        for row in report_rows(self._content.cursor, self._content.scope, grain):
            if place == self._most_rows:
                sheet, place = next(sheets), 1
            for at, (column, value) in enumerate(zip(columns.values(), row, strict=True)):
                self._cell(sheet, place, at, column, value)
            place += 1
            count += 1
            tally.add()
        return count

    def dictionary(self, grains: tuple[Grain, ...]) -> None:
        sheet = self._book.add_worksheet("Data dictionary")
        sheet.freeze_panes(1, 0)
        for at, width in enumerate((10, 24, 22, 100)):
            sheet.set_column(at, at, width)
        rows = [("Sheet", "Column", "Unit", "Meaning")]
        for grain in grains:
            rows += [(SHEETS[grain], name, one.unit, one.meaning) for name, one in COLUMNS[grain].items()]
        for place, row in enumerate(rows):
            for at, text in enumerate(row):
                sheet.write_string(place, at, text, None if place else self._head)

    def about(self, sheet: Any, counts: dict[Grain, int]) -> None:
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 100)
        sheet.write_string(0, 0, "About this file", self._head)
        place = 1
        for name, text in self._content.about():
            sheet.write_string(place, 0, name)
            sheet.write_string(place, 1, text, self._wrapped)
            place += 1
        for grain, count in counts.items():
            sheet.write_string(place, 0, f"Rows in {SHEETS[grain]}")
            sheet.write_number(place, 1, count)
            place += 1
        sheet.write_string(place, 0, "Written at")
        written = self._content.written_at.astimezone(self._zone).replace(tzinfo=None, microsecond=0)
        sheet.write_datetime(place, 1, written, self._formats["time"])

    def _sheets(self, name: str, columns: Any) -> Iterator[Any]:
        """New sheets with their header: “Labels”, “Labels 2”, …"""
        number = 1
        while True:
            sheet = self._book.add_worksheet(name if number == 1 else f"{name} {number}")
            sheet.freeze_panes(1, 0)
            for at, (column_name, column) in enumerate(columns.items()):
                sheet.set_column(at, at, _WIDTHS.get(column.kind, max(10, len(column_name) + 1)))
                sheet.write_string(0, at, column_name, self._head)
            yield sheet
            number += 1

    def _cell(self, sheet: Any, place: int, at: int, column: Column, value: Any) -> None:
        if value is None or value == "":
            return
        if isinstance(value, str):
            sheet.write_string(place, at, value)
        elif isinstance(value, datetime):
            self._date(sheet, place, at, value.astimezone(self._zone).replace(tzinfo=None, microsecond=0), "time")
        elif isinstance(value, date):
            self._date(sheet, place, at, value, "day")
        else:
            sheet.write_number(place, at, value)

    def _date(self, sheet: Any, place: int, at: int, value: date, kind: str) -> None:
        """Spreadsheets know no date before 1900."""
        if value.year < _FIRST_YEAR:
            sheet.write_string(place, at, value.isoformat())
        else:
            sheet.write_datetime(place, at, value, self._formats[kind])
