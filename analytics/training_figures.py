"""Curves of a training: loss, and overlap with the truth (IoU), epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analytics.drawing import Drawing
from analytics.theme import MUTED, REFERENCE, TEXT, axis, figure, lines, plain, short, title

_MARKERS_UP_TO = 60
_HEIGHT = 260
_FEWEST_EPOCHS, _MOST_TICKS = 4, 8


@dataclass(frozen=True)
class EpochPoint:
    """What one epoch brought; None where it brought no such number. `iou`: label name → value, 0–1."""

    number: int
    loss: float | None
    validation_loss: float | None
    mean_iou: float | None
    iou: Mapping[str, float | None]


def loss_curves(points: Sequence[EpochPoint]) -> dict[str, Any]:
    """Loss on the pictures it learns from and on those kept apart: where the second rises, it learns by heart."""
    xs = [point.number for point in points]
    drawn = _empty(xs)
    drawn.update_layout(yaxis=axis(rangemode="tozero", nticks=5, title=title("Loss")))
    training = [point.loss for point in points]
    validation = [point.validation_loss for point in points]
    _line(drawn, xs, training, name="Training images", color=MUTED, dash="dot")
    if any(value is not None for value in validation):
        _line(drawn, xs, validation, name="Validation images", color=REFERENCE)
    return plain(drawn)


def iou_curves(points: Sequence[EpochPoint], colors: Mapping[str, str], *, best: int | None) -> dict[str, Any]:
    """IoU of each label in its colour and their mean, on the validation images; `best` is the epoch that is kept."""
    xs = [point.number for point in points]
    drawn = _empty(xs)
    drawn.update_layout(yaxis=axis(range=[-0.02, 1.02], tickvals=[0, 0.25, 0.5, 0.75, 1], title=title("IoU")))
    for name, color in colors.items():
        values = [point.iou.get(name) for point in points]
        if any(value is not None for value in values):
            _line(drawn, xs, values, name=name, color=color, width=1.5)
    _line(drawn, xs, [point.mean_iou for point in points], name="Mean", color=TEXT, width=3)
    kept = next((point for point in points if point.number == best and point.mean_iou is not None), None)
    if kept is not None:
        drawn.add_vline(x=kept.number, line={"color": MUTED, "width": 1, "dash": "dash"})
    return plain(drawn)


def _empty(xs: Sequence[int]) -> Drawing:
    last = max(xs, default=1)
    drawn = figure(height=_HEIGHT, margin={"l": 48, "r": 12, "t": 28, "b": 36})
    drawn.update_layout(
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 11, "color": MUTED}},
        hovermode="x unified",
        xaxis=axis(
            showgrid=False,
            title=title("Epoch"),
            range=[0.5, max(last, _FEWEST_EPOCHS) + 0.5],
            tick0=1 if last <= _MOST_TICKS else 0,
            dtick=max(1, -(-last // _MOST_TICKS)),
        ),
    )
    return drawn


def _line(
    drawn: Drawing,
    xs: Sequence[int],
    values: Sequence[float | None],
    *,
    name: str,
    color: str,
    width: float = 2,
    dash: str = "solid",
) -> None:
    drawn.add_scatter(
        x=list(xs),
        y=list(values),
        name=short(name),
        mode="lines+markers" if len(xs) <= _MARKERS_UP_TO else "lines",
        line={"color": color, "width": width, "dash": dash},
        marker={"color": color, "size": 4},
        connectgaps=True,
        cliponaxis=False,
        hovertemplate=f"{lines(name)} %{{y:.3f}}<extra></extra>",
    )
