"""The rule behind a verdict, said about one picture."""

from __future__ import annotations

from collections.abc import Sequence

from webapp.models import Measurement, Prediction


def verdict_words(prediction: Prediction, measurements: Sequence[Measurement]) -> str:
    """Why a finished prediction passes or fails; `measurements` come with their labels."""
    limit = prediction.min_region_px or 1

    def own_limit(row: Measurement) -> int:
        return row.min_region_px or limit

    defects = sorted(
        (row for row in measurements if row.label.is_defect and row.largest_region_px > 0),
        key=lambda row: row.largest_region_px,
        reverse=True,
    )
    over = [row for row in defects if row.largest_region_px >= own_limit(row)]
    if prediction.verdict == Prediction.Verdict.FAIL and over:
        return _over(over, own_limit(over[0]))
    if not defects:
        return f"No defect was found. The limit is a region of {limit:,} px."
    largest = defects[0]
    return (
        f"The largest defect region, {largest.label.name}, has {largest.largest_region_px:,} px; "
        f"the limit is {own_limit(largest):,} px."
    )


def _over(over: Sequence[Measurement], limit: int) -> str:
    worst = over[0]
    words = f"A {worst.label.name} region has {worst.largest_region_px:,} px; the limit is {limit:,} px."
    others = [f"{row.label.name} ({row.largest_region_px:,} px)" for row in over[1:]]
    return f"{words} Also over it: {', '.join(others)}." if others else words
