"""The what-if page's numbers in words, its figure and the table behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from analytics import wording
from analytics.panels import Panel, TableRow
from analytics.statistics import Interval
from analytics.theme import MUTED, RATE, REFERENCE, TEXT, axis, figure, lines, plain, title
from analytics.what_if import Outcome, Share, WhatIf
from analytics.what_if_rows import LAST_DAYS

_LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 11, "color": MUTED}}


@dataclass(frozen=True)
class Compared:
    """One number under the rule in force and under the tried one; details are its interval and its n, a line each."""

    key: str
    name: str
    now: str
    now_detail: str
    then: str
    then_detail: str


def compared(result: WhatIf) -> tuple[Compared, ...]:
    """The four numbers of the page."""
    now, then = result.in_force, result.tried_outcome
    shares = (
        ("yield", "First-pass yield", now.first_pass, then.first_pass, "No image here."),
        ("missed", "Missed, of what people failed", now.missed, then.missed, "Nobody has failed an image here."),
        (
            "rejected-good",
            "Over-rejected, of what people passed",
            now.over_rejected,
            then.over_rejected,
            "Nobody has passed an image here.",
        ),
    )
    return (
        Compared("rejects", "Rejects per day", *_per_day(now), *_per_day(then)),
        *(Compared(key, name, *_share(a, none), *_share(b, none)) for key, name, a, b, none in shares),
    )


def basis(result: WhatIf) -> str:
    """What the numbers rest on, in a sentence."""
    tried, asked = result.tried, result.asked
    images, judged = wording.counted(tried.image_count, "image"), wording.counted(tried.judged.count, "image")
    start, end = tried.scope.start, tried.scope.end
    when = f", {wording.days(start, end)}" if start and end else ""
    why, read = "", f"all {images}"
    if start != asked.start:
        missing = "first day" if asked.end else "period"
        why = f"No {missing} is chosen, so this uses the last {LAST_DAYS} days up to the newest image{when}. "
        when, read = "", images
    if tried.is_sample:
        read = f"a random sample of {wording.count(tried.numbers.count)} of {images}"
    return f"{why}Replayed on stored numbers of {read}{when}; misses and over-rejects on {judged} that people judged."


def changed_words(result: WhatIf) -> str:
    """How many verdicts the rule turns."""
    if result.rule.is_in_force:
        return "This is the rule in force. Move the limit or the confidence to try another."
    changed, n = result.changed, result.tried.numbers.count
    if not changed.to_pass_count and not changed.to_fail_count:
        return f"The rule turns no verdict of the {wording.counted(n, 'image')}."
    return (
        f"Of {wording.counted(n, 'image')}, {wording.count(changed.to_pass_count)} that failed would pass and "
        f"{wording.count(changed.to_fail_count)} that passed would fail."
    )


def trade_off(result: WhatIf) -> Panel:
    """Every limit against what it rejects, misses and over-rejects."""
    query = result.tried.scope.images_query(defective=True)
    steps = [(step.min_region_px, step.outcome) for step in result.steps]
    rows = tuple(
        TableRow(
            (
                f"{wording.count(limit)} px",
                *_cells(outcome.rejected),
                *_cells(outcome.first_pass),
                *_cells(outcome.missed),
                *_cells(outcome.over_rejected),
            ),
            query,
        )
        for limit, outcome in steps
    )
    words = ("Rejected", "First-pass yield", "Missed", "Over-rejected")
    columns = ("Limit", *(name for word in words for name in (word, "95% interval", "n")))
    sentence = "A higher limit rejects less and misses more. The lines show where on the way the rules stand."
    if not result.tried.judged.count:
        sentence = "What a limit rejects. To see what it misses, judge images: on their pages, or in the blind audit."
    return Panel("trade-off", "The trade-off", sentence, _figure(result, query), columns, rows)


def _figure(result: WhatIf, query: str) -> dict[str, Any]:
    drawn = figure(height=340, margin={"l": 52, "r": 16, "t": 44, "b": 44})
    series = (
        ("Rejected, of all", RATE, "solid", "circle", [step.outcome.rejected for step in result.steps]),
        ("Missed, of bad ones", TEXT, "dash", "square", [step.outcome.missed for step in result.steps]),
        (
            "Over-rejected, of good ones",
            REFERENCE,
            "dot",
            "diamond",
            [step.outcome.over_rejected for step in result.steps],
        ),
    )
    limits = [step.min_region_px for step in result.steps]
    for name, color, dash, symbol, shares in series:
        if not any(share.n for share in shares):
            continue
        drawn.add_scatter(
            x=limits,
            y=[share.fraction for share in shares],
            name=name,
            mode="lines+markers",
            line={"color": color, "width": 2, "dash": dash},
            marker={"color": color, "size": 5, "symbol": symbol},
            hovertext=[
                lines(f"{name}: {_words(share)}\nLimit {limit:,} px")
                for limit, share in zip(limits, shares, strict=True)
            ],
            hoverinfo="text",
            customdata=[query] * len(limits),
        )
    marks = [("in force", result.usual_limit_px)]
    if result.rule.min_region_px is not None and result.rule.min_region_px != result.usual_limit_px:
        marks.append(("tried", result.rule.min_region_px))
    for word, limit in marks:
        drawn.add_vline(x=limit, line={"color": MUTED, "width": 1.5, "dash": "solid" if word == "tried" else "dot"})
        drawn.add_annotation(
            x=_log10(limit),
            y=1,
            yref="paper",
            yanchor="top",
            text=word,
            showarrow=False,
            textangle=-90,
            xshift=-8,
            xref="x",
            font={"size": 11, "color": MUTED},
        )
    drawn.update_layout(
        showlegend=True,
        legend=_LEGEND,
        xaxis=axis(type="log", title=title("Smallest region that fails an image, px"), dtick=1, tickformat=",d"),
        yaxis=axis(tickformat=",.0%", rangemode="tozero", nticks=6),
    )
    return plain(drawn)


def _log10(limit: float) -> float:
    """Notes on a logarithmic axis stand at the logarithm, lines at the number itself."""
    return math.log10(limit)


def _per_day(outcome: Outcome) -> tuple[str, str]:
    interval = outcome.rejects_per_day_interval
    words = f"95% interval {_amount(interval.low)} to {_amount(interval.high)}"
    return _amount(outcome.rejects_per_day), f"{words}\n{_of(outcome.rejected)}"


def _share(share: Share, none: str) -> tuple[str, str]:
    if share.fraction is None:
        return "–", none
    return wording.percent(share.fraction), f"95% interval {_range(share.interval)}\n{_of(share)}"


def _of(share: Share) -> str:
    return f"{wording.count(share.count)} of {wording.counted(share.n, 'image')}"


def _cells(share: Share) -> tuple[str, str, str]:
    if share.fraction is None:
        return "–", "–", "0"
    return wording.percent(share.fraction), _range(share.interval), wording.count(share.n)


def _words(share: Share) -> str:
    if share.fraction is None:
        return "nobody has judged such an image"
    return f"{wording.percent(share.fraction)} (95% interval {_range(share.interval)}), {_of(share)}"


def _range(interval: Interval) -> str:
    return wording.percent_range(interval)


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"
