"""Two versions side by side on the same labelled images."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analytics.statistics import mcnemar
from analytics.wording import counted
from webapp.actions.evaluations import ask_for_disagreement
from webapp.models import Evaluation, ModelVersion, Project
from webapp.models.comparison import Comparison, compare
from webapp.models.leaderboard import Holdout, holdouts
from webapp.models.learned_images import learned_counts
from webapp.pipeline.disagreement import disagreement
from webapp.views.asking import project_of
from webapp.views.leaderboard import rates
from webapp.views.polling import next_pause

PAGE_LENGTH = 24
_CLEAR = 0.05
SHOWS = {"": "All", "changed": "Different verdicts", "a": "Only the first is right", "b": "Only the second is right"}


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    versions = list(project.model_versions.all())
    first, second = _chosen(request, project, versions)
    offered = [one for one in holdouts(project) if one.split is not None]
    holdout = _holdout(request, offered, first, second)
    context: dict[str, Any] = {
        "project": project,
        "tab": "models",
        "versions": versions,
        "first": first,
        "second": second,
        "holdouts": offered,
        "holdout": holdout,
    }
    evaluations = _evaluations(holdout, first, second)
    context["missing"] = [version for version, found in evaluations if found is None]
    done = [found for _, found in evaluations if found is not None]
    if len(done) == 2 and first is not None and second is not None:
        context |= _compared(request, first, second, *done)
    return render(request, "models/compare.html", context)


def sentence(comparison: Comparison, first: ModelVersion, second: ModelVersion) -> str:
    """What the counts prove, in words for a person."""
    only_first, only_second = comparison.only_first_right_count, comparison.only_second_right_count
    if not only_first and not only_second:
        return "Both give the same verdict wherever one of them is right: on these images neither is better."
    p = mcnemar(only_first, only_second)
    better, worse = (second, first) if only_second > only_first else (first, second)
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
    if only_first != only_second and p < _CLEAR:
        return (
            f"Version {better.number} is right more often than version {worse.number}, by more than chance explains "
            f"(exact McNemar test: {chance})."
        )
    split = f"{only_first} to {only_second}"
    return (
        f"On these images neither is clearly better: a split of {split} or more uneven is common between equally good "
        f"models (exact McNemar test: {chance})."
    )


def _chosen(
    request: HttpRequest, project: Project, versions: list[ModelVersion]
) -> tuple[ModelVersion | None, ModelVersion | None]:
    """The versions asked for by number; without them the live one and the newest other."""
    by_number = {str(version.number): version for version in versions}
    live = next((version for version in versions if version.pk == project.live_model_id), None)
    picked = []
    for name in ("a", "b"):
        wanted = request.GET.get(name, "")
        if wanted and wanted not in by_number:
            raise Http404("no such version")
        picked.append(by_number.get(wanted))
    first = picked[0] or (live if live != picked[1] else None)
    first = first or next((version for version in versions if version != picked[1]), None)
    return first, picked[1] or next((version for version in versions if version != first), None)


def _holdout(
    request: HttpRequest, offered: list[Holdout], first: ModelVersion | None, second: ModelVersion | None
) -> Holdout | None:
    """The one asked for, else the newest that both have scores on, else the newest."""
    wanted = request.GET.get("dataset")
    if wanted:
        found = next((one for one in offered if str(one.dataset.pk) == wanted), None)
        if found is None:
            raise Http404("no such data set with images kept apart")
        return found
    known = (one for one in offered if all(found for _, found in _evaluations(one, first, second)))
    return next(known, offered[0] if offered else None)


def _evaluations(
    holdout: Holdout | None, *versions: ModelVersion | None
) -> list[tuple[ModelVersion, Evaluation | None]]:
    if holdout is None:
        return []
    done = Evaluation.objects.filter(
        dataset=holdout.dataset,
        split=holdout.split,
        state=Evaluation.State.DONE,
        model_version__in=filter(None, versions),
    )
    found = {evaluation.model_version_id: evaluation for evaluation in done}
    return [(version, found.get(version.pk)) for version in versions if version is not None]


def _compared(
    request: HttpRequest, first: ModelVersion, second: ModelVersion, one: Evaluation, other: Evaluation
) -> dict[str, Any]:
    shares = disagreement(one, other)
    if shares is None and not request.headers.get("HX-Request"):
        ask_for_disagreement(one, other)
    comparison = compare(one, other, shares)
    show = request.GET.get("show", "")
    if show not in SHOWS:
        raise Http404("no such choice")
    images = [image for image in comparison.images if _is_shown(image.first.is_right, image.second.is_right, show)]
    wanted = request.GET.get("page", "1")
    page = max(1, int(wanted)) if wanted.isdecimal() and len(wanted) < 6 else 1
    kept = {"a": first.number, "b": second.number, "dataset": one.dataset_id}
    learned = learned_counts(first.project, one.dataset, one.split)
    return {
        "comparison": comparison,
        "pause": next_pause(request, "counting") if shares is None else 0,
        "own_query": _page_query(kept, show, page),
        "sentence": sentence(comparison, first, second),
        "sides": [
            (version, found, rates(found.scores.get("counts")), learned.get(version.pk, 0))
            for version, found in ((first, one), (second, other))
        ],
        "shows": [(key, name, urlencode(kept | ({"show": key} if key else {}))) for key, name in SHOWS.items()],
        "show": show,
        "images": images[(page - 1) * PAGE_LENGTH : page * PAGE_LENGTH],
        "shown_words": counted(len(images), "image"),
        "next_query": _page_query(kept, show, page + 1) if page * PAGE_LENGTH < len(images) else "",
        "previous_query": _page_query(kept, show, page - 1) if page > 1 else "",
    }


def _page_query(kept: dict[str, int], show: str, page: int) -> str:
    return urlencode(kept | ({"show": show} if show else {}) | ({"page": page} if page > 1 else {}))


def _is_shown(first_is_right: bool, second_is_right: bool, show: str) -> bool:
    if show == "":
        return True
    if first_is_right == second_is_right:
        return False
    return show == "changed" or (show == "a") == first_is_right
