"""The first page: the projects a person may see."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analytics import wilson
from analytics.statistics import Interval
from webapp.models import Project, Workspace
from webapp.models.newest_images import NewestImage, newest_images
from webapp.models.project_cards import ProjectCard, project_cards
from webapp.views.grid import version_query

PICTURES_SHOWN = 4


@dataclass(frozen=True)
class ShownCard:
    """`interval` is of the defect rate, None where nothing is inspected; `pictures` are addresses."""

    card: ProjectCard
    interval: Interval | None
    pictures: list[str]


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    cards = project_cards(request.user)
    newest = newest_images([card.project.pk for card in cards], count=PICTURES_SHOWN)
    shown = [
        ShownCard(
            card=card,
            interval=wilson(card.fail_count, card.inspected_count) if card.inspected_count else None,
            pictures=[_address(card.project, image) for image in newest[card.project.pk]],
        )
        for card in cards
    ]
    workspaces = list(Workspace.objects.visible_to(request.user).order_by("name"))
    context = {"nav": "projects", "cards": shown, "workspaces": workspaces}
    return render(request, "projects/index.html", context)


def _address(project: Project, image: NewestImage) -> str:
    if image.prediction_id is not None:
        return reverse("prediction-overlay", args=[image.prediction_id]) + version_query(project)
    return reverse("image-thumbnail", args=[image.image_id]) + version_query(project)
