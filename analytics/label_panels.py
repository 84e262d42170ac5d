"""Panels of labels: the two Paretos of the defects, and the area of every label."""

from __future__ import annotations

from collections.abc import Sequence

from analytics import label_figures
from analytics.dashboard import Dashboard, Rate
from analytics.label_figures import Bar
from analytics.panels import Panel, TableRow, fraction_cells, rate_text
from analytics.queries import LabelRow
from analytics.statistics import cumulative_fractions
from analytics.wording import count, counted, percent

_MOST_BARS = 12
_MOST_NAMES = 4
_STANDS_OUT = 0.8


def pareto_by_images(dashboard: Dashboard) -> Panel:
    """Which defects hit most images. An image with two kinds counts in both."""
    ranked = _ranked(dashboard, "affected_count")
    n = dashboard.summary.inspected_count
    rates = [Rate.of(label.affected_count, n) for label in ranked]
    return _pareto(
        dashboard,
        key="pareto-images",
        title="Defects by images affected",
        ranked=ranked,
        amounts=[label.affected_count for label in ranked],
        amount_name="Images",
        texts=[count(label.affected_count) for label in ranked],
        hovers=[f"{counted(rate.count, 'image')} of {count(n)}\n{rate_text(rate)}" for rate in rates],
        columns=("Label", "Images", "Share of images", "95% interval", "Running share"),
        cells=[(count(rate.count), *fraction_cells(rate)) for rate in rates],
        whole="of all findings; an image with two kinds of defect counts in both",
        are_counts=True,
    )


def pareto_by_area(dashboard: Dashboard) -> Panel:
    """Which defects cover most of what was inspected."""
    ranked = _ranked(dashboard, "pixels")
    shares = [dashboard.area_fraction(label.pixels) or 0.0 for label in ranked]
    return _pareto(
        dashboard,
        key="pareto-area",
        title="Defects by area",
        ranked=ranked,
        amounts=shares,
        amount_name="Share of area",
        texts=[percent(share) for share in shares],
        hovers=[
            f"{percent(share)} of the inspected area\n{_area_text(label)}"
            for label, share in zip(ranked, shares, strict=True)
        ],
        columns=("Label", "Pixels", "Share of area", "Regions", "Running share"),
        cells=[
            (count(label.pixels), percent(share), count(label.region_count))
            for label, share in zip(ranked, shares, strict=True)
        ],
        whole="of the defect area",
        are_counts=False,
    )


def pareto_by_regions(dashboard: Dashboard) -> Panel:
    """Which defects are found most often, each place of an image by itself."""
    ranked = _ranked(dashboard, "region_count")
    n = dashboard.summary.inspected_count
    per_image = [label.region_count / n if n else 0.0 for label in ranked]
    return _pareto(
        dashboard,
        key="pareto-regions",
        title="Defects by regions found",
        ranked=ranked,
        amounts=[label.region_count for label in ranked],
        amount_name="Regions",
        texts=[count(label.region_count) for label in ranked],
        hovers=[f"{_area_text(label)}\n{each:.2f} per image" for label, each in zip(ranked, per_image, strict=True)],
        columns=("Label", "Regions", "Per image", "Pixels", "Running share"),
        cells=[
            (count(label.region_count), f"{each:.2f}", count(label.pixels))
            for label, each in zip(ranked, per_image, strict=True)
        ],
        whole="of all regions",
        are_counts=True,
    )


def pareto_by_cost(dashboard: Dashboard) -> Panel | None:
    """Which defects cost most: a label's cost × the images it affects. None where no defect has a cost."""
    priced = [label for label in dashboard.labels if label.is_defect and label.cost is not None]
    if not priced:
        return None
    costs = {label.label_id: (label.cost or 0.0) * label.affected_count for label in priced}
    ranked = sorted(priced, key=lambda label: (-costs[label.label_id], label.index))
    currency = dashboard.state.currency
    amounts = [costs[label.label_id] for label in ranked]
    return _pareto(
        dashboard,
        key="pareto-cost",
        title=f"Defects by cost, in {currency}",
        ranked=ranked,
        amounts=amounts,
        amount_name=f"Cost in {currency}",
        texts=[f"{amount:,.0f}" for amount in amounts],
        hovers=[
            f"{amount:,.2f} {currency}\n{counted(label.affected_count, 'image')} × {label.cost:,.2f}"
            for label, amount in zip(ranked, amounts, strict=True)
        ],
        columns=("Label", f"Cost in {currency}", "Images", "Each", "Running share"),
        cells=[
            (f"{amount:,.2f}", count(label.affected_count), f"{label.cost:,.2f}")
            for label, amount in zip(ranked, amounts, strict=True)
        ],
        whole="of the cost; labels without a cost are left out",
        are_counts=True,
    )


def _pareto(
    dashboard: Dashboard,
    *,
    key: str,
    title: str,
    ranked: Sequence[LabelRow],
    amounts: Sequence[float],
    amount_name: str,
    texts: Sequence[str],
    hovers: Sequence[str],
    columns: tuple[str, ...],
    cells: Sequence[tuple[str, ...]],
    whole: str,
    are_counts: bool,
) -> Panel:
    running = cumulative_fractions(amounts)
    figure = None
    drawn = [
        _label_bar(dashboard, label, amount, text, hover)
        for label, amount, text, hover in zip(ranked, amounts, texts, hovers, strict=True)
        if amount
    ][:_MOST_BARS]
    if drawn:
        figure = label_figures.pareto(drawn, running[: len(drawn)], amount_name=amount_name, are_counts=are_counts)
    return Panel(
        key=key,
        title=title,
        sentence=_pareto_sentence([label.name for label in ranked], amounts, running, whole),
        figure=figure,
        columns=columns,
        rows=tuple(
            TableRow((label.name, *row, percent(share)), _label_query(dashboard, label))
            for label, row, share in zip(ranked, cells, running, strict=True)
        ),
    )


def _pareto_sentence(names: Sequence[str], amounts: Sequence[float], running: Sequence[float], whole: str) -> str:
    if not names:
        return "No label of this project is marked as a defect. Mark them in the project's settings."
    if not any(amounts):
        return "No defect was found in these images."
    if len(names) == 1:
        return f"{_first(names[0])} is the only label marked as a defect."
    more = f" The {_MOST_BARS} largest are drawn." if len(names) > _MOST_BARS else ""
    few = next(place for place, share in enumerate(running, 1) if share >= _STANDS_OUT)
    if few > max(1, len(names) // 2):
        return f"{_leaders(names, amounts)} {percent(running[0])} {whole}.{more}"
    if few == 1 and running[0] == 1:
        return f"{_first(names[0])} is the only defect found in these images."
    verb = "makes" if few == 1 else "make"
    return f"{_first(_listed(names[:few]))} {verb} up {percent(running[few - 1])} {whole}.{more}"


def _leaders(names: Sequence[str], amounts: Sequence[float]) -> str:
    """Who leads, or all that share the first place."""
    first = [name for name, amount in zip(names, amounts, strict=True) if amount == amounts[0]]
    if len(first) == 1:
        return f"{_first(first[0])} leads with"
    who = _first(_listed(first)) if len(first) <= _MOST_NAMES else f"{len(first)} labels"
    verb = "are level" if len(first) == sum(amount > 0 for amount in amounts) else "lead"
    return f"{who} {verb}, each with"


def _first(words: str) -> str:
    """The beginning of a sentence."""
    return words[:1].upper() + words[1:]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def area_panel(dashboard: Dashboard) -> Panel:
    """How much of what was inspected each label covers."""
    ranked = sorted(dashboard.labels, key=lambda label: (-label.pixels, label.index))
    shares = {label.label_id: dashboard.area_fraction(label.pixels) or 0.0 for label in ranked}
    rest = next((label for label in ranked if not label.is_defect and shares[label.label_id] > 0.5), None)
    drawn = [
        _label_bar(
            dashboard,
            label,
            shares[label.label_id],
            percent(shares[label.label_id]),
            _area_text(label),
        )
        for label in ranked
        if label is not rest
    ][:_MOST_BARS]
    sentence = f"Share of {count(dashboard.summary.pixels)} px inspected."
    if rest is not None:
        sentence = f"{sentence} Not drawn: {rest.name}, {percent(shares[rest.label_id])}."
    return Panel(
        key="area",
        title="Area by label",
        sentence=sentence,
        figure=label_figures.bars(drawn) if drawn else None,
        columns=("Label", "Pixels", "Share of area", "Regions", "Images affected"),
        rows=tuple(
            TableRow(
                (
                    label.name,
                    count(label.pixels),
                    percent(shares[label.label_id]),
                    count(label.region_count),
                    count(label.affected_count),
                ),
                _label_query(dashboard, label),
            )
            for label in ranked
        ),
        is_wide=True,
    )


def _ranked(dashboard: Dashboard, amount: str) -> list[LabelRow]:
    defects = [label for label in dashboard.labels if label.is_defect]
    return sorted(defects, key=lambda label: (-getattr(label, amount), label.index))


def _label_bar(dashboard: Dashboard, label: LabelRow, amount: float, text: str, hover: str) -> Bar:
    return Bar(
        name=label.name,
        amount=amount,
        text=text,
        hover=f"{label.name}\n{hover}",
        query=_label_query(dashboard, label),
        color=label.color,
        is_faint=dashboard.label is not None and dashboard.label != label,
    )


def _area_text(label: LabelRow) -> str:
    return f"{count(label.pixels)} px in {counted(label.region_count, 'region')}"


def _label_query(dashboard: Dashboard, label: LabelRow) -> str:
    """The images that the label affects; where only specks below the limit have area, all images."""
    return dashboard.scope.images_query(defective=label.affected_count > 0, label_id=label.label_id)
